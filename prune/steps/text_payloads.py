"""The texts of an open dataset, for what looks at texts: the samples themselves, or captions of images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError
from prune.modalities import MODALITIES
from prune.modalities.text.batches import TextSource
from prune.modalities.text.texts import Texts
from prune.readers.captions import Captions, captions_of
from prune.readers.source_watch import Sources
from prune.steps.dataset_session import Opened

TEXTS = MODALITIES["text"].plural  # what a method calls them that needs them


def captions_in(opened: Opened) -> Captions | None:
    """Return the captions of samples that are images; None of others, and where there are none."""
    return captions_of(opened.reader) if opened.dataset.modality == "image" else None


def text_source(opened: Opened) -> TextSource | None:
    """Return where the texts of samples are read from; None where there are none."""
    return opened.reader if opened.dataset.modality == "text" else captions_in(opened)


class CountedCaptions:
    """Captions of files that are still those of the scan, and how many of those that were read are empty."""

    def __init__(self, captions: Captions, sources: Sources) -> None:
        self._captions, self._sources = captions, sources
        self.read = self.empty = 0

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the caption of each row, empty where it has none.

        Raises
        ------
        StoreError
            A file has other content than was scanned: the digests of images say nothing of captions.
        """
        for place, caption in enumerate(self._captions.payloads(samples), 1):
            self.read += 1
            self.empty += not caption
            if place == len(samples):  # before it is handed on: who has the last one asks for no more
                self._sources.require(pc.unique(samples["shard"]).drop_null().to_pylist())
            yield caption

    def tell(self, say: Callable[[str], None]) -> None:
        """Say how many samples have no caption: they are not left out, since the sample is the image."""
        if self.empty:
            say(f"{self.empty:,} of {self.read:,} images have no caption: they count as an empty text")


def tell_captions(opened: Opened, captions: Captions) -> None:
    """Say which texts are looked at, where the samples are images and no option named them."""
    if "text_field" not in opened.location.get("reading", {}):
        opened.settings.reporter.say(
            f"texts are the captions: {captions.where}; for others: --image-column NAME --text-field NAME"
        )


def require_texts(opened: Opened, names: Collection[str], hint: str) -> None:
    """Refuse methods that look at texts where the samples are something else, without captions.

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
    kind, captions = MODALITIES[opened.dataset.modality], captions_in(opened)
    if captions is not None:
        tell_captions(opened, captions)
    elif kind.plural != TEXTS:
        some = ", ".join(names)
        looks = "looks" if len(names) == 1 else "look"
        raise OptionError(f"{some} {looks} at {TEXTS}, and the dataset is of {kind.plural}", hint)


def texts_of(opened: Opened, rows: Rows) -> Texts:
    """Return the texts of these rows, all of them readable: of images, their captions."""
    samples, source = opened.dataset.samples, text_source(opened)
    assert source is not None, "asked for by `require_texts`"

    def read(wanted: Rows) -> Iterator[str]:
        return source.payloads(samples.take(pa.array(wanted)))

    settings = opened.settings
    return Texts(np.asarray(rows, np.int64), read, settings.memory_limit, settings.reporter)
