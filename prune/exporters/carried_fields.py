"""What a sample carries beside its image and its label: columns of a table, files of the same name.

Read from any format, one sample at a time, to be written into any other: columns of metadata and tables have
names and types, members of shards and side files of images have an extension and bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.exporters import members
from prune.exporters.carried_form import Carried, form_of
from prune.exporters.job import ExportJob
from prune.exporters.side_files import Sides, side_bytes
from prune.exporters.table_files import file_tables, source_schema
from prune.readers.folders.metadata import governing
from prune.readers.huggingface import HuggingFace
from prune.readers.imagefolder import ImageFolder
from prune.readers.lines.reader import LineReader
from prune.readers.tables.sample import KEY
from prune.readers.webdataset import WebDataset


def carried(job: ExportJob, rows: Rows) -> Iterator[Carried]:
    """Yield what each row carries, in order; of an export, as it was before that."""
    form = form_of(job)
    found = _as_it_stands(job, rows)
    return map(form.restored, found) if form.said() else found


def _as_it_stands(job: ExportJob, rows: Rows) -> Iterator[Carried]:
    reader = job.reader
    if isinstance(reader, ImageFolder):
        return _beside_images(job, reader, rows)
    if isinstance(reader, WebDataset):
        return _in_shards(job, reader, rows)
    if isinstance(reader, HuggingFace):
        return _in_tables(job, reader, rows)
    if isinstance(reader, LineReader):
        return _in_lines(job, reader, rows)
    return (Carried() for _ in rows)


def json_text(columns: Mapping[str, Any]) -> bytes:
    """Return columns as a JSON object; what JSON does not have becomes text, bytes are left out."""
    held = {
        name: plain(value) for name, value in columns.items() if value is not None and not has_bytes(value)
    }
    return json.dumps(held, ensure_ascii=False, allow_nan=False, default=str).encode(
        errors="backslashreplace"
    )


def extensions_beside(job: ExportJob) -> set[str]:
    """Return the extensions of files that samples carry, in small letters, which columns may not take."""
    own = {extension for extension, _ in form_of(job).files.values()}
    if isinstance(job.reader, ImageFolder):
        sides = Sides(job.reader)
        named = ((str(PurePosixPath(key).with_suffix("")), key) for key in job.column("key").to_pylist())
        own |= {name[len(stem) + 1 :] for stem, key in named for name in sides.beside(key)}
    return {extension.lower() for extension in own}


def has_bytes(value: Any) -> bool:
    """Whether a value of a column is bytes or an image, or holds some."""
    if isinstance(value, dict):
        return any(map(has_bytes, value.values()))
    return any(map(has_bytes, value)) if isinstance(value, list) else isinstance(value, bytes)


def bytes_in(value: Any) -> bytes | None:
    """Return the bytes of a value that is bytes or one image; None of one that holds several, or none."""
    held = value.get("bytes") if isinstance(value, dict) else value
    return held if isinstance(held, bytes) else None


def say_what_is_lost(job: ExportJob) -> None:
    """Say which columns hold several images or bytes, which no member of a shard can hold, and how often."""
    if not isinstance(job.reader, HuggingFace):
        return
    lost: Counter[str] = Counter()
    first, _ = job.by_shard()[0]  # of the files that hold a sample: others may be damaged
    schema = source_schema(job.reader.root / first)
    nested = [field.name for field in schema if _holds_several(field.type)]
    for one in carried(job, job.rows) if nested else ():
        lost.update(name for name in nested if has_bytes(one.columns.get(name)))
    if lost:
        named = ", ".join(f"{name} of {count} samples" for name, count in sorted(lost.items()))
        job.reporter.say(f"a shard cannot hold lists of images or bytes; left out: {named}")


def _holds_several(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        plain = [field for field in kind if field.name != "bytes"]
        return any(pa.types.is_binary(field.type) or _holds_several(field.type) for field in plain)
    return (
        pa.types.is_nested(kind)
        and not pa.types.is_map(kind)
        and any(
            pa.types.is_binary(kind.field(at).type) or pa.types.is_nested(kind.field(at).type)
            for at in range(kind.num_fields)
        )
    )


def plain(value: Any) -> Any:
    """Return a value as JSON has it: numbers that are none, such as NaN, are nothing."""
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {name: plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def _beside_images(job: ExportJob, reader: ImageFolder, rows: Rows) -> Iterator[Carried]:
    sides = Sides(reader)
    for key in job.samples(rows)["key"].to_pylist():
        found = governing(reader.metadata, key)
        row = found.by_key.get(key, {}) if found else {}
        own = found.label_column if found and not reader.no_labels else None  # it is in the export already
        labels = {found.name_column, own} if found else set()
        columns = {name: value for name, value in row.items() if isinstance(name, str) and name not in labels}
        stem = str(PurePosixPath(key).with_suffix(""))
        names = {name[len(stem) + 1 :]: name for name in sides.beside(key)}
        names.pop(job.source_weight or "", None)  # it is in the export already
        files = {extension: side_bytes(reader.root / name) for extension, name in names.items()}
        yield Carried(columns, files)


def _in_shards(job: ExportJob, reader: WebDataset, rows: Rows) -> Iterator[Carried]:
    labelled = reader.label_field is None and not reader.no_labels
    for found in members.members_of(job, rows):
        known = {"cls" if labelled else None, job.source_weight}
        yield Carried(files={name: data for name, data in found.items() if name not in known})


def _in_tables(job: ExportJob, reader: HuggingFace, rows: Rows) -> Iterator[Carried]:
    label = reader.label_column if job.label_file is None else "label"
    known = {*reader.payload_columns, label, KEY, reader.key_column, job.source_weight}
    samples = job.samples(rows).select(["shard", "index"]).to_pydict()
    for shard, pairs in groupby(zip(*samples.values(), strict=True), key=lambda pair: pair[0]):
        wanted = np.array([index for _, index in pairs])
        if known.issuperset(source_schema(reader.root / shard).names):
            yield from (Carried() for _ in wanted)
            continue
        for table in file_tables(reader.root / shard, wanted, without=known):
            yield from (Carried(row) for row in table.to_pylist())


def _in_lines(job: ExportJob, reader: LineReader, rows: Rows) -> Iterator[Carried]:
    """Yield the fields of records that are no text, label or key."""
    samples, key = job.samples(rows), _id_is_key(job, reader)
    shards = (name for part in samples.select(["shard"]).to_batches(_TAKE) for name in part["shard"])
    known = {job.source_weight, "id" if key else None}
    for shard, record in zip(shards, reader.records(samples), strict=True):
        held = reader.others(shard.as_py(), record)
        yield Carried({name: value for name, value in held.items() if name not in known})


def _id_is_key(job: ExportJob, reader: LineReader) -> bool:
    """Whether the keys of samples are their ids."""
    first = job.samples(job.rows[:1])
    record = next(iter(reader.records(first)))
    held = reader.others(first["shard"][0].as_py(), record)
    return "id" in held and str(held["id"]) == first["key"][0].as_py()


_TAKE = 4096  # rows whose names are held at once
