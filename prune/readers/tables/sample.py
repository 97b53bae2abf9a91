"""A row of a table as a sample: its key, its label, its content, and what is wrong with it."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.content import content_digest
from prune.core.errors import DataError
from prune.modalities.image.bit_depth import bits_used
from prune.readers.sample import MAX_KEY_BYTES, RAW, key_problem, with_sources
from prune.readers.tables.columns import is_list
from prune.readers.tables.texts import TextColumns
from prune.readers.tar.samples import MAX_IMAGE_BYTES
from prune.system import contents

KEY = "__key__"
_TOO_LARGE = f"the image is over {MAX_IMAGE_BYTES} bytes"


@dataclass(frozen=True)
class Layout:
    """Where the rows of a split keep what."""

    root: Path
    image: str  # column; of texts, the first
    label: str | None  # column
    key: str  # `path` (beside the image's bytes), `row` (its number), or the column that holds it
    names: Sequence[str] | None  # of the classes, if the labels are ids
    texts: TextColumns | None = None  # of a table of texts

    @property
    def columns(self) -> list[str]:
        """What has to be read."""
        content = [self.image] if self.texts is None else self.texts.names
        return list(dict.fromkeys([*content, *filter(None, [self.label, self._key_column])]))

    def samples(self, file: str, start: int, first: int, batch: pa.Table) -> pa.Table:
        """Return RAW for rows of a file; the first is number `start` there and `first` in the split."""
        n = batch.num_rows
        held, found = self._contents(batch)
        images = [image if isinstance(image, bytes) else None for image in found]
        labels = [self._label_of(value) for value in _column(batch, self.label)]
        keys, unfit = self._keys(held, batch, first)
        values = {
            "key": keys,
            "shard": [file] * n,
            "image_size": [None if image is None else len(image) for image in images],
            "index": range(start, start + n),
            "label": [label for label, _ in labels],
            "digest": [None if image is None else content_digest(image) for image in images],
            "reason": [
                image if isinstance(image, str) else label[1] or odd
                for image, label, odd in zip(found, labels, unfit, strict=True)
            ],
        }
        arrays = [pa.array(values.get(kind.name, [None] * n), kind.type) for kind in RAW]
        pictures = images if self.texts is None else ()
        depths = Counter(bits for image in pictures if image is not None and (bits := bits_used(image)))
        return with_sources(pa.Table.from_arrays(arrays, schema=RAW), {}, depths=depths)

    def _contents(self, batch: pa.Table) -> tuple[Sequence[Any], Sequence[bytes | str]]:
        """Return what the column holds, where keys may stand in it, and the bytes of each row or why not."""
        none: Sequence[Any] = [None] * batch.num_rows
        if self.texts is not None:
            return none, self.texts.contents(batch)
        if is_list(batch[self.image].type):
            return none, [data or "has no features" for data in row_bytes(batch[self.image])]
        held = batch[self.image].to_pylist()
        return held, [image_bytes(self.root, image) for image in held]

    @property
    def _key_column(self) -> str | None:
        return None if self.key in {"path", "row"} else self.key

    def _keys(
        self, held: Sequence[Any], batch: pa.Table, first: int
    ) -> tuple[Sequence[str], Sequence[str | None]]:
        """Return the keys of rows, and what is wrong with each."""
        n, column = batch.num_rows, self._key_column
        if column is not None and is_plain(texts := batch[column].cast(pa.large_string())):
            return texts.to_pylist(), [None] * n
        given = zip(held, _column(batch, column), range(first, first + n), strict=True)
        keys = [self._key_of(*row) for row in given]
        return [key for key, _ in keys], [odd for _, odd in keys]

    def _key_of(self, held: Any, key: Any, row: int) -> tuple[str, str | None]:
        """Return the key of a row, and what is wrong with it."""
        number = f"{row:08d}"
        if self._key_column is not None:
            text = "" if key is None else str(key)
            return (text, key_problem(text)) if text else (number, "the key is missing")
        return (held["path"] if self.key == "path" else number), None

    def _label_of(self, value: Any) -> tuple[str | None, str | None]:
        """Return the label text of a row, and what is wrong with it."""
        if value is None or value == "" or value != value:
            return None, None
        if isinstance(value, float):
            if not value.is_integer():
                return None, f"label {value:g} is a fraction, which is no class"
            value = int(value)
        if self.names is None:
            return (str(value).lower() if isinstance(value, bool) else str(value)), None
        if isinstance(value, str):
            return (value, None) if value in self.names else (None, self._no_class(value))
        if value == -1:
            return None, None
        return (self.names[value], None) if 0 <= value < len(self.names) else (None, self._no_class(value))

    def _no_class(self, value: Any) -> str:
        return f"label {value} is not one of {len(self.names or ())} classes"


def row_bytes(column: pa.ChunkedArray) -> list[bytes | None]:
    """Return the numbers of each list as float32, little-endian; None for a list that is missing or empty."""
    lists = column.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    stops = np.cumsum(lengths)
    with np.errstate(over="ignore"):
        flat = lists.flatten().to_numpy(zero_copy_only=False).astype("<f4")
    return [flat[stop - n : stop].tobytes() or None for n, stop in zip(lengths, stops, strict=True)]


def image_bytes(root: Path, held: Any) -> bytes | str:
    """Return an image's bytes, or why there are none; a path is followed only inside the dataset.

    Raises
    ------
    DataError
        The disk or the network failed, which says nothing of the image.
    """
    data, path = (held.get("bytes"), held.get("path")) if isinstance(held, dict) else (held, None)
    if data is not None:
        return _TOO_LARGE if len(data) > MAX_IMAGE_BYTES else data or "the image is empty (0 bytes)"
    if not path or not isinstance(path, str):
        return "has no image"
    try:
        place = Path(
            os.path.realpath(root / path)
        )  # `resolve` raises what is no OSError for a circle of links
        if not place.is_relative_to(root.resolve()):
            return f"has no image, only a path outside the dataset: {path}"
        if not place.is_file():
            return f"the image file {path} is missing"
        return contents.whole(place) if place.stat().st_size <= MAX_IMAGE_BYTES else _TOO_LARGE
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _PASSING:
            raise DataError(f"{root / path} cannot be read: {error}", "run the command again") from error
        return f"the image file {path} cannot be read: {error}"


_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}  # the next try may go well


def _column(batch: pa.Table, name: str | None) -> Sequence[Any]:
    return batch[name].to_pylist() if name else [None] * batch.num_rows


def is_plain(keys: pa.ChunkedArray) -> bool:
    """Say whether all of these are surely keys, at a glance; of others `key_problem` says what is wrong."""
    if keys.null_count:
        return False
    odd = pc.or_(pc.match_substring_regex(keys, _ODD), pc.greater(pc.binary_length(keys), MAX_KEY_BYTES))
    return not pc.any(odd).as_py()


_ODD = r"^$|[\x00\r\n]|^/|\.\.|[^\x01-\x7f]"
