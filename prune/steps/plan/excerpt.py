"""An excerpt: a few samples of a dataset, spread over it, as a small dataset of the same form."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.errors import OptionError
from prune.readers import Reader
from prune.system import contents
from prune.system.npy import open_npy

_FILES = 32  # of shards and the like, that samples are taken from
_WHOLE = 64 << 20  # bytes of a file that is read as a whole
_BESIDE = 4 << 20  # bytes of a file beside the samples, such as metadata, that is copied


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a dataset, and how many samples they seem to hold."""

    reader: Reader
    files: tuple[str, ...]  # that hold samples, relative to the root
    beside: tuple[str, ...]  # that say something of them
    bytes: int  # of `files`
    samples: int | None  # None: told by sizes, once some are cut out

    @classmethod
    def of(cls, reader: Reader) -> DatasetFiles:
        """Look at names and sizes, and at what headers tell."""
        files, beside = dict[str, None](), dict[str, None]()
        for unit in reader.units():
            files |= dict.fromkeys(unit.files)
            beside |= dict.fromkeys(unit.optional)
        names = tuple(files)
        sizes = sum(os.stat(reader.root / name).st_size for name in names)  # noqa: PTH116 - many
        return cls(reader, names, tuple(beside), sizes, _counted(reader, names))

    @property
    def is_folder(self) -> bool:
        """Whether each file is a sample."""
        return self.reader.format == "imagefolder"

    def excerpt(self, place: Path, rows: int) -> Excerpt:
        """Write about so many samples to a folder; where there are no more, all of them.

        Raises
        ------
        OptionError
            A file is too large to be cut.
        """
        names, cut = self._taken(rows), 0
        beside = self.is_folder or self.reader.format == "arrays"  # labels of the same rows
        share = rows if beside else -(-rows // len(names))
        for name in names:
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _cutter(name, self.is_folder)(self.reader.root / name, target, share)
            cut += target.stat().st_size
        for name in self.beside:
            source, target = self.reader.root / name, place / name
            if not target.exists() and source.is_file() and source.stat().st_size <= _BESIDE:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(contents.local(source), target)
        named = self.reader.format == "arrays" or (len(self.files) == 1 and not self.is_folder)
        return Excerpt(place / self.files[0] if named else place, self.reader.format, cut)

    def _taken(self, rows: int) -> tuple[str, ...]:
        most = rows if self.is_folder else _FILES
        if len(self.files) <= most or any(name.endswith((".arrow", ".npy")) for name in self.files):
            return self.files  # which belong together
        return tuple(self.files[at * len(self.files) // most] for at in range(most))


@dataclass(frozen=True)
class Excerpt:
    """A small dataset."""

    path: Path
    format: str
    bytes: int  # of the files that hold samples


def _counted(reader: Reader, names: tuple[str, ...]) -> int | None:
    """Return how many samples there are, where names or headers tell."""
    if reader.format == "imagefolder":
        return len(names)
    if names and names[0].endswith(".npy"):
        return len(open_npy(reader.root / names[0]))
    if all(name.endswith(".parquet") for name in names):
        return sum(_rows_of(reader.root / name) for name in names)
    return None


def _rows_of(path: Path) -> int:
    import pyarrow.parquet as pq

    with contents.stream(path) as held:
        return int(pq.read_metadata(held).num_rows)


def _cutter(name: str, is_folder: bool) -> Callable[[Path, Path, int], None]:
    if is_folder:
        return _whole
    suffixes = name.lower().split(".")[1:]
    return next((cut for kind, cut in _CUTTERS.items() if kind in suffixes), _whole)


def _whole(source: Path, target: Path, rows: int) -> None:  # noqa: ARG001 - as every cutter
    size = source.stat().st_size
    if size > _WHOLE:
        raise OptionError(f"{source} is too large to be measured as a whole", "name shards, or lines of JSON")
    target.write_bytes(contents.whole(source))


def _npy(source: Path, target: Path, rows: int) -> None:
    array = open_npy(source)
    kept = np.linspace(0, len(array) - 1, min(rows, len(array))).astype(np.int64)
    np.save(target, array[kept])


def _parquet(source: Path, target: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contents.stream(source) as held:
        file = pq.ParquetFile(held)
        kind = file.metadata.row_group(0).column(0).compression if file.num_row_groups else "SNAPPY"
        count, taken = file.num_row_groups, min(file.num_row_groups, 4)  # spread over the file
        wanted, tables = -(-rows // max(taken, 1)), []
        for at in range(taken):
            groups = [at * count // taken]
            tables += [pa.Table.from_batches([b]) for b in _batches(file, groups, wanted)]
        table = pa.concat_tables(tables) if tables else file.schema_arrow.empty_table()
    pq.write_table(table, target, compression=kind if kind != "UNCOMPRESSED" else "NONE")


def _batches(file: Any, groups: list[int], rows: int) -> Iterator[Any]:
    batches = file.iter_batches(batch_size=min(rows, 1024), row_groups=groups)
    return itertools.islice(batches, -(-rows // min(rows, 1024)))


def _arrow(source: Path, target: Path, rows: int) -> None:
    import pyarrow as pa

    with contextlib.ExitStack() as held:
        stream = held.enter_context(pa.ipc.open_stream(held.enter_context(contents.stream(source))))
        out = held.enter_context(pa.ipc.new_stream(target, stream.schema))
        for batch in stream:
            out.write_batch(batch.slice(0, rows))
            rows -= min(rows, batch.num_rows)
            if not rows:
                break


def _tar(source: Path, target: Path, rows: int) -> None:
    """Copy the first members: those of so many samples, whose names differ before the first dot."""
    seen = set[str]()
    with contextlib.ExitStack() as held:
        stream = held.enter_context(contents.stream(source))
        shard = held.enter_context(tarfile.open(fileobj=stream, mode="r|"))
        out = held.enter_context(tarfile.open(target, "w", format=tarfile.PAX_FORMAT))
        for member in shard:
            folder, _, name = member.name.rpartition("/")
            if member.isfile():
                seen.add(f"{folder}/{name.partition('.')[0]}")
            if len(seen) > rows:
                break
            out.addfile(member, shard.extractfile(member) if member.isfile() else None)


def _lines(source: Path, target: Path, rows: int) -> None:
    import pyarrow as pa

    codec = {".gz": "gzip", ".zst": "zstd"}.get(source.suffix.lower())
    with contents.stream(source) as held, pa.input_stream(held, compression=codec) as stream:
        lines = itertools.islice(io.BufferedReader(stream), rows + 1)  # of a table, the first are names
        with pa.output_stream(str(target), compression=codec) as out:
            out.write(b"".join(lines))


def _json(source: Path, target: Path, rows: int) -> None:
    """Cut an array of records, or the first array in an object."""
    if source.stat().st_size > _WHOLE or source.suffix.lower() != ".json":
        _whole(source, target, rows)
        return
    value = json.loads(contents.whole(source))
    if isinstance(value, dict):
        first = next((name for name, held in value.items() if isinstance(held, list)), None)
        value = value if first is None else {**value, first: value[first][:rows]}
    target.write_text(json.dumps(value[:rows] if isinstance(value, list) else value))


_CUTTERS: dict[str, Callable[[Path, Path, int], None]] = {
    "npy": _npy,
    "parquet": _parquet,
    "arrow": _arrow,
    "tar": _tar,
    "jsonl": _lines,
    "ndjson": _lines,
    "csv": _lines,
    "tsv": _lines,
    "txt": _lines,
    "json": _json,
}
