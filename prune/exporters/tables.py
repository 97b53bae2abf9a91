"""Samples as Arrow tables with the features that the `datasets` library reads.

From a Hugging Face source all columns, untouched; from any other `image`, `label` and `__key__`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.arrays import Rows
from prune.errors import DataError
from prune.exporters.job import Job, check_digest
from prune.exporters.names import without_suffix
from prune.images import suffix_of
from prune.readers.columnar import open_rows
from prune.readers.huggingface import HuggingFace
from prune.readers.row import KEY, image_bytes

_ROWS = 1000  # of a written batch, unless its bytes come first
_BYTES = 64 << 20
_SHARD_ROWS = 10_000  # of a shard, where the source has none to follow
_IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


@dataclass(frozen=True)
class Shard:
    """One file of the export: rows of the dataset that go there, in order."""

    rows: Rows
    source: str | None = None  # the Hugging Face file that holds them


def shards_of(job: Job) -> list[Shard]:
    """Cut the job into files: those of a Hugging Face source that keep a sample, or pieces of equal size."""
    if job.reader.format != "huggingface":
        return [Shard(rows) for _, rows in job.chunks(_SHARD_ROWS)]
    return [Shard(rows, name) for name, rows in job.by_shard()]


def schema_of(job: Job, shard: Shard) -> pa.Schema:
    """Return the columns of a shard; the metadata `huggingface` holds its features."""
    if shard.source is not None:
        return source_schema(job.reader.root / shard.source)
    fields = [pa.field("image", _IMAGE)]
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    if np.any(job.dataset.labels >= 0):
        fields.append(pa.field("label", pa.int64()))
        features["label"] = {"names": list(job.dataset.classes), "_type": "ClassLabel"}
    fields.append(pa.field(KEY, pa.string()))
    features[KEY] = {"dtype": "string", "_type": "Value"}
    return pa.schema(fields, metadata=_metadata(features))


def batches(job: Job, shard: Shard) -> Iterator[pa.Table]:
    """Yield the rows of a shard in tables of at most 1000 rows and about 64 MB.

    Raises
    ------
    DataError
        The source is not the one that was scanned.
    """
    schema, source = schema_of(job, shard), job.reader
    pieces = _take(job, source, shard) if isinstance(source, HuggingFace) else _make(job, shard.rows, schema)
    waiting: list[pa.Table] = []
    rows = size = 0
    for piece in pieces:
        if waiting and (rows + len(piece) > _ROWS or size + piece.nbytes > _BYTES):
            yield _joined(waiting, schema)
            waiting, rows, size = [], 0, 0
        waiting.append(piece)
        rows, size = rows + len(piece), size + piece.nbytes
    if waiting:
        yield _joined(waiting, schema)


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """Return the features of a schema as `dataset_info.json` holds them."""
    features: dict[str, Any] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return features


def source_schema(path: Path) -> pa.Schema:
    """Return the columns of a parquet or Arrow file, with features even where the file names none."""
    schema = open_rows(path, kind_of(path)).schema
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key == b"huggingface"}
    if not metadata:
        from datasets import Features

        metadata = _metadata(Features.from_arrow_schema(schema.remove_metadata()).to_dict())
    return schema.with_metadata(metadata)


def kind_of(path: Path) -> str:
    """Return `parquet` or `arrow`, by the name of the file."""
    return "parquet" if path.suffix == ".parquet" else "arrow"


def file_tables(path: Path, wanted: Rows | None = None) -> Iterator[pa.Table]:
    """Yield the wanted rows of a parquet or Arrow file (ascending; None: all) in their order.

    Raises
    ------
    DataError
        The file is damaged, or ends before the last of them.
    """
    rows = open_rows(path, kind_of(path))
    wanted = np.arange(rows.rows) if wanted is None else wanted
    if len(wanted) and wanted[-1] >= rows.rows:
        raise DataError(f"{path} has changed since it was scanned: it ends before row {wanted[-1]}", _AGAIN)
    place = 0
    while place < len(wanted):
        start, batch = rows.around(int(wanted[place]), rows.schema.names)
        stop = min(int(np.searchsorted(wanted, start + batch.num_rows)), place + _ROWS)
        yield batch.take(pa.array(wanted[place:stop] - start))
        place = stop


_AGAIN = "run the commands again from the first"


def _joined(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(schema.metadata)


def _metadata(features: Mapping[str, Any]) -> dict[bytes, bytes]:
    return {b"huggingface": json.dumps({"info": {"features": dict(features)}}).encode()}


def _take(job: Job, source: HuggingFace, shard: Shard) -> Iterator[pa.Table]:
    assert shard.source is not None
    samples = job.samples(shard.rows)
    keys, digests = samples["key"].to_pylist(), samples["digest"].to_pylist()
    done = 0
    for table in file_tables(source.root / shard.source, samples["index"].to_numpy()):
        table = _embedded(table, source.image_column, source.root)
        for image in _bytes_of(table[source.image_column].combine_chunks()):
            check_digest(keys[done], digests[done], memoryview(image.as_buffer()))
            done += 1
        yield table


def _bytes_of(images: pa.Array) -> pa.Array:
    return images.field("bytes") if pa.types.is_struct(images.type) else images


def _embedded(table: pa.Table, name: str, root: Path) -> pa.Table:
    """Put the bytes of images that the source only points to where every other image has them."""
    images = table[name].combine_chunks()
    if not pa.types.is_struct(images.type) or images.field("bytes").null_count == 0:
        return table
    held = [{**row, "bytes": image_bytes(root, row)} for row in images.to_pylist()]
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pa.array(held, images.type))


def _make(job: Job, rows: Rows, schema: pa.Schema) -> Iterator[pa.Table]:
    keys = job.samples(rows)["key"].to_pylist()
    labels = job.dataset.labels[rows].tolist()
    waiting: list[dict[str, Any]] = []
    size = 0
    for key, label, data in zip(keys, labels, job.images(rows), strict=True):
        path = f"{without_suffix(key).rpartition('/')[2]}.{suffix_of(data)}"
        row = {"image": {"bytes": data, "path": path}, "label": None if label < 0 else label, KEY: key}
        waiting.append(row)
        size += len(data)
        if len(waiting) == _ROWS or size >= _BYTES:
            yield _table(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield _table(waiting, schema)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema)
