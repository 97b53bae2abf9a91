"""What one sees of samples on the page: in the dataset where it can be read, else as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.column_name import IMAGES, of_kinds
from prune.core.errors import DataError, OptionError, StoreError
from prune.core.safe_text import printable
from prune.modalities import MODALITIES
from prune.modalities.image import UnreadableImageError
from prune.modalities.image.decode_settings import DEEP, PLAIN, Decoding
from prune.modalities.look import Look
from prune.modalities.text.look import with_caption
from prune.readers.captions import Captions
from prune.steps.dataset_session import Opened, unscanned
from prune.steps.report.page.subject import Subject
from prune.steps.single_payloads import single_payloads
from prune.steps.text_payloads import captions_in
from prune.store import Column


class Looks:
    """Looks at samples: in the dataset where it can be read, else in the images that the store keeps."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._look = MODALITIES[subject.dataset.modality].look
        self._images = _largest(subject)
        self.why: str | None = None  # the dataset cannot be read
        self.opened: Opened | None = None
        self._captions: Captions | None = None
        try:
            opened = unscanned(subject.store, subject.dataset, subject.settings)
            self.opened = opened if self._images is None else opened.decoded_as(self._images.recipe)
            self._captions = captions_in(opened)
        except (DataError, OptionError, StoreError, OSError) as error:
            self.why = printable(str(error))

    def of(self, rows: Rows) -> dict[int, Look]:
        """Return what is to be seen of these rows; each is read once."""
        wanted = np.unique(rows)
        samples = self._subject.dataset.samples.take(pa.array(wanted, pa.int64()))
        looks = {
            row: self._of(row, payload)
            for row, payload in zip(wanted.tolist(), self._payloads(samples), strict=True)
        }
        return looks if self._captions is None else self._captioned(looks, samples)

    def _captioned(self, looks: dict[int, Look], samples: pa.Table) -> dict[int, Look]:
        """Return the same with what the captions say below the pictures."""
        assert self.opened is not None
        captions = single_payloads(self.opened, samples, self._captions)
        return {
            row: look if isinstance(caption, Exception) else with_caption(look, caption)
            for (row, look), caption in zip(looks.items(), captions, strict=True)
        }

    def _payloads(self, samples: pa.Table) -> Iterator[Any]:
        """Return the payload of each row, or the error that is in its place."""
        if self.opened is None:
            return iter([DataError(self.why or "the dataset cannot be read")] * len(samples))
        return single_payloads(self.opened, samples)

    def _of(self, row: int, payload: Any) -> Look:
        if isinstance(payload, Exception):
            return self._stored(row, str(payload))
        try:
            return self._look(payload, self._decoding)
        except UnreadableImageError as error:
            return self._stored(row, str(error))

    def _stored(self, row: int, why: str) -> Look:
        """Return the picture that the store keeps, and why it is not that of the dataset."""
        if self.opened is not None:  # a page may travel, and need not tell where it was made
            why = why.replace(f"{self.opened.reader.root}/", "")
        if self._images is None or row in self._images.rejects:
            return Look(missing=printable(why))
        pixels = np.ascontiguousarray(np.moveaxis(self._images.read(row, row + 1)[0], 0, 2))
        kept = self._look(pixels, PLAIN)
        return replace(kept, missing=f"as the store keeps it: {printable(why)}")

    @property
    def _decoding(self) -> Decoding:
        opened = self.opened
        if opened is None:
            return PLAIN
        return Decoding(opened.max_pixels, DEEP if opened.bits is None else opened.bits)


def _largest(subject: Subject) -> Column | None:
    names = of_kinds(subject.store.columns, IMAGES)
    columns: Mapping[int, str] = {int(name.of): name for name in names if name.of.isdecimal()}
    return subject.store.column(columns[max(columns)]) if columns else None
