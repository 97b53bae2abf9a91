"""One array and its recipe: written in parts, each named by its checksum, visible when the store says so."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Array
from prune.core.errors import StoreError
from prune.store.column_files import (
    NAMED,
    digest_of,
    find_file,
    is_as_written,
    mapped,
    require_file,
    says,
    verified_bytes,
    verify_file,
)
from prune.store.column_json import damaged, read_description, write_description
from prune.store.layout import ATTACHED, COLUMN, DIGEST_CHARS, PART_ROWS, RECIPE
from prune.system import files


@dataclass(frozen=True)
class ColumnPart:
    """A block of a column: rows `start` to `stop` of axis 0."""

    number: int
    start: int
    stop: int


Overlay = Callable[[int, int, Array], Array]  # given the first row, the one after the last, and the rows


class Column:
    """A finished column: `column.read(start, stop)` gives rows, checked against their checksums."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        described = read_description(name, folder)
        self.recipe: dict[str, Any] = described["recipe"]
        self.shape: tuple[int, ...] = tuple(described["shape"])
        self.dtype = np.dtype(described["dtype"])
        self.part_rows: int = described["part_rows"]
        self.files: list[str] = described["files"]
        self._names = {name.rpartition("-")[0]: name for name in self.files}

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return all rows, for `np.asarray(column)`; read-only where nothing had to be copied."""
        values = self.read()
        if dtype is not None and values.dtype != dtype:
            values, copied = values.astype(dtype), True
        else:
            copied = len(self) > self.part_rows  # parts were put together
        if copied and copy is False:
            raise ValueError(f"column {self.name} cannot be an array without a copy")
        return values.copy() if copy and not copied else values

    @property
    def nbytes(self) -> int:
        """Bytes of the parts on disk."""
        paths = (self.folder / name for name in self.files)
        return sum(path.stat().st_size for path in paths if path.exists())

    def is_whole(self) -> bool:
        """Whether every file of it is there, as it was written."""
        return says(self.folder / RECIPE, self.recipe) and all(
            is_as_written(self.folder / name) for name in self.files
        )

    def read(self, start: int = 0, stop: int | None = None) -> Array:
        """Return rows `start` to `stop`; read-only, and not copied when they lie in one part.

        Raises
        ------
        StoreError
            A part is missing or damaged.
        """
        stop = len(self) if stop is None else min(stop, len(self))
        if stop <= start:
            return np.empty((0, *self.shape[1:]), self.dtype)
        blocks = [
            self._part(number)[max(start - first, 0) : stop - first]
            for number, first in enumerate(range(0, len(self), self.part_rows))
            if first < stop and first + self.part_rows > start
        ]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Yield (first row, rows) part by part, so that the whole is never in memory."""
        for start in range(0, len(self), self.part_rows):
            yield start, self.read(start, start + self.part_rows)

    def attachment(self, kind: str, number: int) -> bytes:
        """Return the bytes of an attached file, such as the weights after an epoch."""
        name = self._names.get(f"{kind}-{number:05d}")
        if name is None:
            raise damaged(f"column {self.name} has no {kind} {number}", self.name, self.folder)
        return verified_bytes(self.folder / name, self.name)

    def attachments(self, kind: str) -> list[int]:
        """Return the numbers of the attached files of a kind."""
        found = (NAMED.fullmatch(name) for name in self.files)
        return sorted(int(match["number"]) for match in found if match and match["kind"] == kind)

    @functools.cached_property
    def rejects(self) -> dict[int, str]:
        """Rows that could not be computed, with the reason of each."""
        reasons: dict[int, str] = {}
        for number in self.attachments("rejects"):
            reasons |= {int(row): why for row, why in json.loads(self.attachment("rejects", number)).items()}
        return reasons

    @functools.cached_property
    def _parts(self) -> dict[int, Array]:
        return {}

    def _part(self, number: int) -> Array:
        if number not in self._parts:
            name = self._names.get(f"part-{number:05d}")
            if name is None:
                raise damaged(f"part {number} of column {self.name} is missing", self.name, self.folder)
            verify_file(self.folder / name, self.name)
            self._parts[number] = self._fitting(number, mapped(self.folder / name))
        return self._parts[number]

    def _fitting(self, number: int, values: Array) -> Array:
        """Return a part, if it has the rows that the description says."""
        rows = min(self.part_rows, len(self) - number * self.part_rows)
        if values.shape != (rows, *self.shape[1:]) or values.dtype != self.dtype:
            raise damaged(f"{self.folder / COLUMN} is damaged", self.name, self.folder)
        return values


class ColumnWriter:
    """A column in the making. Parts that are there already, whole, are not computed again.

    `made` is told the name of the column where something was missing of it.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        recipe: Mapping[str, Any],
        rows: int,
        part_rows: int,
        made: set[str] | None = None,
    ) -> None:
        self.name = name
        self._made = set() if made is None else made
        self.folder = folder
        self.recipe = dict(recipe)
        self.rows = rows
        self.part_rows = part_rows
        self.swept = False  # whoever takes the store may remove what is being written, for a dead one's
        self.overlay: Overlay | None = None  # rows of a part that are known are laid over what is put
        self.finished = (folder / COLUMN).exists() and self._is_whole()
        if not says(folder / RECIPE, self.recipe):
            files.make_folder(folder)
            files.write_json(folder / RECIPE, self.recipe)

    @property
    def parts(self) -> list[ColumnPart]:
        """All parts, whether written or not."""
        starts = range(0, self.rows, self.part_rows)
        return [
            ColumnPart(i, start, min(start + self.part_rows, self.rows)) for i, start in enumerate(starts)
        ]

    def missing(self) -> Iterator[ColumnPart]:
        """Yield the parts that have to be computed, in order; a damaged part is one of them."""
        if self.finished:
            return
        for part in self.parts:
            if self._whole("part", part.number) is None:
                self.detach("part", part.number)  # damaged, if it is there
                yield part

    def read_part(self, number: int) -> Array | None:
        """Return a part that is there already, or None where there is none or it is damaged."""
        path = self._whole("part", number)
        return None if path is None else mapped(path)

    def put(self, part: ColumnPart, values: Array, rejects: Mapping[int, str] | None = None) -> None:
        """Write one part; `rejects` names rows of it that could not be computed."""
        expected = part.stop - part.start
        if self.overlay is not None:
            values = self.overlay(part.start, part.stop, values)
        if len(values) != expected:
            raise ValueError(f"part {part.number} of {self.name} has {expected} rows, not {len(values)}")
        if rejects:
            reasons = {str(row): rejects[row] for row in sorted(rejects)}
            self.attach("rejects", part.number, json.dumps(reasons, ensure_ascii=False).encode(), "json")
        header = io.BytesIO()
        values = np.ascontiguousarray(values)
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(values))
        self._write("part", part.number, [header.getvalue(), values.data], "npy", None)

    def attach(self, kind: str, number: int, data: bytes | Sequence[memoryview], suffix: str) -> None:
        """Write a file, or its pieces, beside the parts, replacing the one of the same kind and number.

        One of the same bytes is never gone meanwhile: somebody else may have written it, and count on it.
        """
        assert kind in ATTACHED, f"no page says what {kind} is"
        pieces = [data] if isinstance(data, bytes) else data
        self._write(kind, number, pieces, suffix, find_file(self.folder, kind, number))

    def _write(
        self, kind: str, number: int, pieces: Sequence[bytes | memoryview], suffix: str, before: Path | None
    ) -> None:
        """Write a file in the place of another one, and give it the name that its bytes decide."""
        for left in reversed(range(_TRIES if self.swept else 1)):
            again = [FileNotFoundError] if left else []
            with contextlib.suppress(*again), files.new_file(self.folder) as out:
                for piece in pieces:
                    out.write(piece)
                name = f"{kind}-{number:05d}-{out.sha256[:DIGEST_CHARS]}.{suffix}"
                if before is not None and before.name != name:
                    files.remove(before)
                out.commit(name)
                return

    def attachment(self, kind: str, number: int) -> bytes | None:
        """Return an attached file, or None where there is none or it is damaged."""
        path = self._whole(kind, number)
        return None if path is None else path.read_bytes()

    def _whole(self, kind: str, number: int) -> Path | None:
        path = find_file(self.folder, kind, number)
        whole = path is not None and digest_of(path) == NAMED.fullmatch(path.name)["digest"]  # type: ignore[index]
        return path if whole else None

    def detach(self, kind: str, number: int) -> None:
        """Remove an attached file, if there is one."""
        path = find_file(self.folder, kind, number)
        if path is not None:
            files.remove(path)

    def rejects(self) -> dict[int, str]:
        """Return the rows rejected so far, with the reason of each."""
        reasons: dict[int, str] = {}
        for part in self.parts:
            data = self.attachment("rejects", part.number)
            reasons |= {int(row): why for row, why in json.loads(data).items()} if data else {}
        return reasons

    def finish(self) -> Column:
        """Describe the column, now that every part is there. It is visible once the store publishes it."""
        if not self.finished:
            first = np.load(require_file(self.folder, "part", 0), mmap_mode="r", allow_pickle=False)
            described = {
                "name": self.name,
                "recipe": self.recipe,
                "shape": [self.rows, *first.shape[1:]],
                "dtype": first.dtype.str,
                "part_rows": self.part_rows,
                "files": sorted(path.name for path in self.folder.iterdir() if NAMED.fullmatch(path.name)),
            }
            write_description(self.folder, described)
            self._made.add(self.name)
            self.finished = True
        return Column(self.name, self.folder)

    def _is_whole(self) -> bool:
        try:
            described = read_description(self.name, self.folder)
        except StoreError:  # its own description is made again from the parts
            files.remove(self.folder / COLUMN)
            return False
        whole = True
        for name in described["files"]:
            path = self.folder / name
            match = NAMED.fullmatch(name)
            if match is None or not path.exists() or digest_of(path) != match["digest"]:
                files.remove(path)
                whole = False
        if not whole:
            files.remove(self.folder / COLUMN)
        return whole


_TRIES = 5  # to write a file while others take the store for moments
assert PART_ROWS % 256 == 0  # batches of up to 256 rows tile a part
