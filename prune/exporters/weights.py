"""Weights of an export: those of the selection, times those that the samples bring from an earlier export.

A weight says for how many samples one stands. Of a sample that was weighed twice the weights are multiplied:
one that stands for 3 of those, each of which stood for 2, stands for 6. A selection without weights leaves
those of the source as they are.

What counts as a weight of the source: in shards and beside images a number in `.weight`, beside an exported
image folder and exported lines their `weights.csv`, in tables and records the column that the description of
the export names. A column
`weight` of other origin may be in grams: it stays what it is.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array
from prune.core.errors import DataError, OutputError
from prune.core.method_rows import Exporter
from prune.exporters.carried_form import known_export, lies_at
from prune.exporters.job import ExportJob
from prune.exporters.members import member_of
from prune.exporters.place import DOT, described, is_described, located
from prune.exporters.side_files import Sides, side_bytes
from prune.exporters.staging.existing_export import read_export
from prune.exporters.table_files import file_tables, source_schema
from prune.readers.huggingface import HuggingFace
from prune.readers.imagefolder import ImageFolder
from prune.readers.lines.reader import LineReader
from prune.readers.webdataset import WebDataset
from prune.system.local_paths import real

WEIGHT = "weight"
IN_RECORDS = "weight in records"  # in the memo of a job: what lines that were made call the weight
_OTHER = f"other_{WEIGHT}"
_LONGEST = 64  # bytes of a number

Found = tuple[str, Array]  # what they are called in the source, and their values


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that no other column or member has: `weight`, or else `other_weight`."""
    while name in taken:
        name = f"other_{name}"
    return name


def weighed(job: ExportJob, exporter: Exporter) -> ExportJob:
    """Return the job with the weights that its samples have in an export of this form.

    Raises
    ------
    DataError
        Weights of the source cannot be read.
    """
    if not exporter.holds_payloads or (job.weights is None and job.reader.format in exporter.weights_from):
        return job
    found = _of_source(job, copied=job.weights is None and exporter.copies_files)
    if found is None:
        return job
    name, weights = found
    if job.weights is not None:
        weights = np.minimum(weights * job.weights.astype(np.float64), np.finfo(np.float32).max)
    return dataclasses.replace(job, weights=weights.astype(np.float32), source_weight=name)


def recorded(job: ExportJob) -> str | None:
    """Return the column of a table that prune exported with weights; None where it is not known."""
    if not isinstance(job.reader, HuggingFace):
        return None
    root = real(job.reader.root)
    first, _ = job.by_shard()[0]  # of the files that hold a sample: others may be damaged
    names = source_schema(job.reader.root / first).names
    for place in (root, *root.parents[:2]):  # the root may be the folder of a split, or `data`
        export = known_export(place)
        if export is not None:
            name = export["weight"] if "weight" in export else _of_old(export, names)
            return name if name in names else None
    return None


def _of_lines(job: ExportJob, reader: LineReader) -> Found | None:
    """Return the weights of exported lines: in `weights.csv`, by the place of a record, or in the records."""
    for place in map(real, reader.places):
        if (table := _table(job, place)) is not None:
            return WEIGHT, _by_record(job, table)
        export = known_export(place)
        if export is not None and export.get("weight"):
            name = str(export["weight"])
            return _in_texts(job, name, _in_records(job, reader, name))
    return None


def _table(job: ExportJob, place: Path) -> Path | None:
    """Return the weights that an export brought along; None without one, or where other data lies now.

    A description that cannot be read says nothing against them.
    """
    table = located(place, f"{DOT}/weights.csv")
    if not (is_described(place) and table.is_file()):
        return None
    with contextlib.suppress(OutputError):
        listed = (read_export(place) or {"files": {}})["files"]
        if isinstance(job.reader, LineReader):
            _require_unchanged(place, listed)
        if not lies_at(place, listed):
            job.reporter.say(f"{table} is not used: nothing of what was exported lies in {place} as it was")
            return None
    return table


def _require_unchanged(place: Path, listed: Mapping[str, Any]) -> None:
    """Raise `DataError` where lines are others than were exported: weights go by the place of a record."""
    for name, entry in listed.items():
        path = located(place, name)
        if not name.startswith(f"{DOT}/") and path.is_file() and path.stat().st_size != entry["size"]:
            what = f"{path} was changed since it was exported, and its weights go by the places of its lines"
            raise DataError(
                what, f"bring it back as it was; or move {described(place)} away: no weights then"
            )


def _by_record(job: ExportJob, path: Path) -> Array:
    """Return the weights of records in a table that names files, or nothing for the only one."""
    rows = _csv_rows(path, {"file_name", "record", WEIGHT})
    try:
        known = {(row["file_name"], int(row["record"])): _number(row[WEIGHT].encode()) for row in rows}
    except ValueError as error:
        raise _unreadable(path) from error
    shards = job.dataset.samples["shard"].to_pylist()
    counts: Counter[str] = Counter()
    places = []
    for shard in shards:
        counts[shard] += 1
        places.append((shard, counts[shard]))
    found = [known.get(places[row], known.get(("", places[row][1]), 1.0)) for row in job.rows.tolist()]
    return _checked(path, found)


def _in_records(job: ExportJob, reader: LineReader, name: str) -> Iterator[bytes | None]:
    samples = job.samples()
    shards = samples["shard"].to_pylist()
    for shard, record in zip(shards, reader.records(samples), strict=True):
        value = reader.others(shard, record).get(name)
        yield None if value is None else str(value).encode()


def _of_old(export: dict[str, object], names: Collection[str]) -> str | None:
    """Return the column of weights of an export whose description does not name it yet."""
    files, asked = export["files"], export.get("asked")
    weighted = isinstance(files, dict) and f"{DOT}/weights.npy" in files
    if not weighted or (isinstance(asked, dict) and asked.get("rejected")):
        return None
    return _OTHER if _OTHER in names else WEIGHT


def _of_source(job: ExportJob, *, copied: bool) -> Found | None:
    """Return the weights that the samples bring along; `copied`: files beside images go along as they are."""
    reader = job.reader
    if isinstance(reader, LineReader):
        return _of_lines(job, reader)
    if isinstance(reader, ImageFolder):
        if (table := _table(job, real(reader.root))) is not None:
            return WEIGHT, _in_csv(job, table)
        return None if copied else _in_texts(job, WEIGHT, _beside(job, reader))
    if isinstance(reader, WebDataset):
        found = (_in_texts(job, n, member_of(job, job.rows, n, _LONGEST + 1)) for n in (WEIGHT, _OTHER))
        return next((one for one in found if one), None)
    return _in_tables(job, reader) if isinstance(reader, HuggingFace) else None


def _in_csv(job: ExportJob, path: Path) -> Array:
    known = {
        row["file_name"]: _number(row[WEIGHT].encode()) for row in _csv_rows(path, {"file_name", WEIGHT})
    }
    return _checked(path, [known.get(key, 1.0) for key in job.column("key").to_pylist()])


def _csv_rows(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Return the rows of a table that an export brought along; every one has these columns."""
    try:
        text = path.read_bytes().decode(errors="surrogatepass")
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        found = list(rows)
    except (OSError, ValueError, csv.Error) as error:
        raise _unreadable(path) from error
    if not set(columns) <= set(rows.fieldnames or ()) or any(
        row[name] is None for row in found for name in columns
    ):
        raise _unreadable(path)
    return found


def _unreadable(path: Path) -> DataError:
    return DataError(f"{path} cannot be read", _BACK)


def _checked(path: Path, weights: Sequence[float | None]) -> Array:
    if None in weights:
        raise DataError(f"{path} holds weights that are no numbers", _BACK)
    return np.array(weights, np.float64)


_BACK = "bring it back as it was, or move it away"


def _beside(job: ExportJob, reader: ImageFolder) -> Iterator[bytes | None]:
    sides = Sides(reader)
    for key in job.column("key").to_pylist():
        name = f"{PurePosixPath(key).with_suffix('')}.{WEIGHT}"
        yield side_bytes(reader.root / name)[: _LONGEST + 1] if name in sides.beside(key) else None


def _in_texts(job: ExportJob, name: str, texts: Iterable[bytes | None]) -> Found | None:
    """Return numbers, 1 for a sample without one; None where there are none, or other things too."""
    weights, some = np.ones(len(job)), False
    for row, text in enumerate(texts):
        number = 1.0 if text is None else _number(text)
        if number is None:
            return None
        weights[row], some = number, some or text is not None
    return (name, weights) if some else None


def _number(text: bytes) -> float | None:
    try:
        number = float(text) if len(text) <= _LONGEST else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _in_tables(job: ExportJob, reader: HuggingFace) -> Found | None:
    name = recorded(job)
    if name is None:
        return None
    pieces = []
    for shard, rows in job.by_shard():
        path, wanted = reader.root / shard, job.samples(rows)["index"].to_numpy()
        names = source_schema(path).names
        for table in file_tables(path, wanted, without=[other for other in names if other != name]):
            if not (pa.types.is_floating(table[name].type) or pa.types.is_integer(table[name].type)):
                return None
            pieces.append(table[name].to_numpy().astype(np.float64))
    weights = np.concatenate(pieces)
    return (name, weights) if np.isfinite(weights).all() and (weights >= 0).all() else None
