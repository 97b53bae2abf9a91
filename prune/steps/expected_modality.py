"""The modality that something looks at: a dataset of another one is refused before any work."""

from __future__ import annotations

from prune.core.errors import DataError, OptionError
from prune.modalities import MODALITIES, Modality
from prune.readers import Reader
from prune.store import Dataset


def require_payloads(reader: Reader, dataset: Dataset) -> None:
    """Refuse samples of which nothing can be read.

    Raises
    ------
    DataError
        They are known by their keys alone.
    """
    if reader.format == "keys":
        raise DataError(
            f"{len(dataset)} samples are known by their keys alone: prune cannot read them",
            "use scores of your own training: prune score --type aum",
        )


def require_images(reader: Reader, dataset: Dataset) -> None:
    """Refuse at once what would fail at the first image, with a column begun; errors as of `_require`."""
    _require(reader, dataset, MODALITIES["image"])


def require_texts(reader: Reader, dataset: Dataset) -> None:
    """Refuse at once what would fail at the first text; errors as of `_require`."""
    _require(reader, dataset, MODALITIES["text"])


def _require(reader: Reader, dataset: Dataset, wanted: Modality) -> None:
    """Refuse samples of another kind.

    Raises
    ------
    OptionError
        They are of another kind.
    DataError
        They are known by their keys alone.
    """
    require_payloads(reader, dataset)
    kind = MODALITIES[dataset.modality]
    if kind is not wanted:
        raise OptionError(
            f"the dataset is of {kind.plural}, and this looks at {wanted.plural}",
            f"prune score --type el2n --proxy {kind.proxy}   # learns from {kind.plural}",
        )
