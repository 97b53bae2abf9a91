"""The modality that something looks at: a dataset of another one is refused before any work."""

from __future__ import annotations

from prune.core.errors import DataError, OptionError
from prune.modalities import MODALITIES, Modality
from prune.readers import Reader
from prune.store import Dataset

_OF_FEATURES = "linear"  # the proxy that looks at an embedding


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


def usual_proxy(reader: Reader, dataset: Dataset) -> str:
    """Return the proxy that learns from such samples where nobody named one."""
    return _OF_FEATURES if holds_features(reader) else MODALITIES[dataset.modality].proxy


def holds_features(reader: Reader) -> bool:
    """Whether rows are features: readers that do not say so have none."""
    return getattr(reader, "holds_features", False)


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
    if holds_features(reader):
        raise OptionError(
            f"the dataset is of features, and this looks at {wanted.plural}",
            f"prune score --type el2n --proxy {_OF_FEATURES}   # learns from features",
        )
    if kind is not wanted:
        raise OptionError(
            f"the dataset is of {kind.plural}, and this looks at {wanted.plural}",
            f"prune score --type el2n --proxy {kind.proxy}   # learns from {kind.plural}",
        )
