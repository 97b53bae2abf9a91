"""The texts of an open dataset, for methods that look at texts themselves; on other samples a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError
from prune.modalities import MODALITIES
from prune.modalities.text.texts import Texts
from prune.steps.dataset_session import Opened

TEXTS = MODALITIES["text"].plural  # what a method calls them that needs them


def require_texts(opened: Opened, names: Collection[str], hint: str) -> None:
    """Refuse methods that look at texts where the samples are something else.

    Raises
    ------
    OptionError
        The samples are of another kind.
    DataError
        They are known by their keys alone.
    """
    if opened.reader.format == "keys":
        raise DataError(
            f"{len(opened.dataset)} samples are known by their keys alone: prune cannot read them",
            "use scores of your own: prune score --import FILE",
        )
    kind = MODALITIES[opened.dataset.modality]
    if kind.plural != TEXTS:
        some = ", ".join(names)
        looks = "looks" if len(names) == 1 else "look"
        raise OptionError(f"{some} {looks} at {TEXTS}, and the dataset is of {kind.plural}", hint)


def texts_of(opened: Opened, rows: Rows) -> Texts:
    """Return the texts of these rows of a dataset of texts, all of them readable."""
    samples, reader = opened.dataset.samples, opened.reader

    def read(wanted: Rows) -> Iterator[str]:
        return reader.payloads(samples.take(pa.array(wanted)))

    settings = opened.settings
    return Texts(np.asarray(rows, np.int64), read, settings.memory_limit, settings.reporter)
