"""What one sees of a sample: a small picture inside the page, or the beginning of its text."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from prune.core.arrays import Rows
from prune.core.column_name import IMAGES, of_kinds
from prune.core.errors import DataError, OptionError, PruneError, StoreError
from prune.core.safe_text import printable
from prune.modalities import MODALITIES
from prune.modalities.image import UnreadableImageError, decode
from prune.modalities.image.decode_settings import DEEP, PLAIN, Decoding
from prune.steps.dataset_session import Opened, unscanned
from prune.steps.report.page.subject import Subject
from prune.store import Column

_SIDE = 144  # pixels of a picture: two for one on the screen of a phone
_PLAIN = 64  # pixels: up to this, every one of them is kept, and shown as a square
_MOST_BYTES = 24_000  # of one picture: two hundred of them stay under 7 MB as text
_QUALITIES = (82, 60, 35, 10)
_TEXT = 240  # characters of a text


@dataclass(frozen=True)
class Look:
    """A picture, or a text, or why there is neither."""

    uri: str | None = None  # data:image/…
    width: int = 0
    height: int = 0
    plain: bool = False  # few pixels, each of which is to be seen
    text: str | None = None
    missing: str | None = None  # why the sample itself is not to be seen


class Pictures:
    """Looks at samples: in the dataset where it can be read, else in the images that the store keeps."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._images = _largest(subject)
        self.why: str | None = None  # the dataset cannot be read
        self.opened: Opened | None = None
        try:
            opened = unscanned(subject.store, subject.dataset, subject.settings)
            self.opened = opened if self._images is None else opened.decoded_as(self._images.recipe)
        except (DataError, OptionError, StoreError, OSError) as error:
            self.why = printable(str(error))

    def looks(self, rows: Rows) -> dict[int, Look]:
        """Return what is to be seen of these rows; each is read once."""
        wanted = np.unique(rows)
        samples = self._subject.dataset.samples.take(pa.array(wanted, pa.int64()))
        payloads = self._payloads(samples)
        known = zip(wanted.tolist(), samples["digest"].to_pylist(), payloads, strict=True)
        return {row: self._look(row, digest, payload) for row, digest, payload in known}

    def _payloads(self, samples: pa.Table) -> Iterator[Any]:
        """Yield the payload of each row, or the error that is in its place."""
        if self.opened is None:
            yield from [DataError(self.why or "the dataset cannot be read")] * len(samples)
            return
        at = 0
        while at < len(samples):  # after what cannot be read, from the next one on
            try:
                for payload in self.opened.reader.payloads(samples.slice(at)):
                    yield payload
                    at += 1
            except (PruneError, OSError, ValueError) as error:  # the last of pyarrow, about a damaged table
                yield error
                at += 1

    def _look(self, row: int, digest: bytes | None, payload: Any) -> Look:
        if isinstance(payload, Exception):
            return self._stored(row, str(payload))
        if digest is not None and digest not in MODALITIES[self._subject.dataset.modality].digests(payload):
            return self._stored(row, "it is another file than the one that was scored")
        if isinstance(payload, str):
            return Look(text=_beginning(payload))
        try:
            return thumbnail(decode(payload, self._decoding))
        except UnreadableImageError as error:
            return self._stored(row, str(error))

    def _stored(self, row: int, why: str) -> Look:
        """Return the picture that the store keeps, and why it is not that of the dataset."""
        if self.opened is not None:  # a page may travel, and need not tell where it was made
            why = why.replace(f"{self.opened.reader.root}/", "")
        if self._images is None or row in self._images.rejects:
            return Look(missing=printable(why))
        pixels = np.moveaxis(self._images.read(row, row + 1)[0], 0, 2)
        kept = thumbnail(Image.fromarray(np.ascontiguousarray(pixels)))
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


def thumbnail(image: Image.Image) -> Look:
    """Return a picture small enough for the page: few pixels as they are, more of them shrunk."""
    plain = max(image.size) <= _PLAIN
    if not plain:
        image = _shrunk(image)
    kind, data = ("png", _png(image)) if plain else ("jpeg", _jpeg(image))
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return Look(uri=uri, width=image.width, height=image.height, plain=plain)


def _shrunk(image: Image.Image) -> Image.Image:
    scale = _SIDE / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(image: Image.Image) -> bytes:
    """Return it as good as fits: noise takes more bytes than a photograph."""
    data = b""
    for quality in _QUALITIES:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= _MOST_BYTES:
            break
    return data


def _beginning(text: str) -> str:
    words = " ".join(text[: 4 * _TEXT].split())
    return printable(words if len(words) <= _TEXT else f"{words[: _TEXT - 1]}…")
