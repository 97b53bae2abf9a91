"""Samples as Arrow tables with the features that the `datasets` library reads.

From a Hugging Face source all columns, untouched; from any other `image`, `label`, what samples carry
(columns of metadata, members of shards, files beside images) and `__key__`; then the weights, where not all
are 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows, Weights
from prune.exporters.carried_columns import IMAGE, CarriedColumn, carried_columns, form_of_columns
from prune.exporters.carried_fields import carried
from prune.exporters.carried_form import form_of, note_form
from prune.exporters.columns import ApartError, conformed, joined
from prune.exporters.features import feature_of
from prune.exporters.file_names import without_suffix
from prune.exporters.job import ExportJob, check_digest
from prune.exporters.labels import LABEL, is_relabelled, label_feature, label_ids, labelled, with_label
from prune.exporters.table_files import (
    BATCH,
    file_tables,
    source_schema,
    with_column,
    with_features,
)
from prune.exporters.weights import WEIGHT, free_name
from prune.readers.huggingface import HuggingFace
from prune.readers.tables.sample import KEY, image_bytes

_BYTES = 64 << 20
_SHARD_ROWS = 10_000  # of a shard, where the source has none to follow


@dataclass(frozen=True)
class Shard:
    """One file of the export: rows of the dataset that go there, in order."""

    rows: Rows
    source: str | None = None  # the Hugging Face file that holds them


def shards_of(job: ExportJob) -> list[Shard]:
    """Cut the job into files: those of a Hugging Face source that keep a sample, or pieces of equal size."""
    if job.reader.format != "huggingface":
        return [Shard(rows) for _, rows in job.chunks(_SHARD_ROWS)]
    return [Shard(rows, name) for name, rows in job.by_shard()]


def schema_of(job: ExportJob, shard: Shard) -> pa.Schema:
    """Return the columns of a shard; the metadata `huggingface` holds its features."""
    schema = _schema(job, shard)
    return schema if job.weights is None else with_column(schema, weight_name(job, schema), pa.float32())


def weight_name(job: ExportJob, schema: pa.Schema) -> str:
    """Return what the column of weights is called among those of the source."""
    own = job.source_weight if job.reader.format == "huggingface" else None
    return own or free_name(WEIGHT, schema.names)


def weight_column(job: ExportJob) -> str | None:
    """Return the column of the export that holds the weights of the selection; None without."""
    return None if job.weights is None else weight_name(job, _schema(job, shards_of(job)[0]))


def _schema(job: ExportJob, shard: Shard) -> pa.Schema:
    if shard.source is not None:
        return _of_source(job)[shard.source]
    name = job.payload_column
    fields = [pa.field(name, job.form.kind)]
    features: dict[str, Any] = {name: job.form.feature}
    if _has_labels(job):
        fields.append(pa.field(LABEL, pa.int64()))
        features[LABEL] = label_feature(job)
    for column in _columns(job):
        fields.append(pa.field(column.called, column.kind))
        features[column.called] = {"_type": "Image"} if column.kind == IMAGE else feature_of(column.kind)
    fields.append(pa.field(KEY, pa.string()))
    features[KEY] = feature_of(pa.string())
    return pa.schema(fields, metadata=with_features(features))


def _of_source(job: ExportJob) -> dict[str, pa.Schema]:
    """Return the columns that each file of a Hugging Face source has in the export."""
    if "of_source" not in job.memo:
        names = [name for name, _ in job.by_shard()]
        job.memo["of_source"] = dict(zip(names, columns_of(job, names), strict=True))
    found: dict[str, pa.Schema] = job.memo["of_source"]
    return found


def columns_of(job: ExportJob, names: Sequence[str]) -> list[pa.Schema]:
    """Return the columns that files of one split have in the export: of all together, if they can be."""
    schemas = [with_label(job, source_schema(job.reader.root / name)) for name in names]
    try:
        return [joined(schemas)] * len(schemas)
    except ApartError as error:
        job.reporter.say(f"{error} in files of one split, which datasets does not read together")
        return schemas


def _has_labels(job: ExportJob) -> bool:
    return bool(np.any(job.dataset.labels >= 0))


def _columns(job: ExportJob) -> list[CarriedColumn]:
    """Return the columns for what samples carry."""
    if "columns" not in job.memo:
        taken = [job.payload_column, KEY, *([LABEL] if _has_labels(job) else [])]
        job.memo["columns"] = carried_columns(job, taken)
    columns: list[CarriedColumn] = job.memo["columns"]
    return columns


def note_columns(job: ExportJob) -> None:
    """Let the description of the export say what its columns were."""
    copied = isinstance(job.reader, HuggingFace)
    note_form(job, form_of(job) if copied else form_of_columns(_columns(job), {"json": "json"}))


def batches(job: ExportJob, shard: Shard) -> Iterator[pa.Table]:
    """Yield the rows of a shard in tables of at most 1000 rows and about 64 MB.

    Raises
    ------
    DataError
        The source is not the one that was scanned.
    """
    schema, source, done = _schema(job, shard), job.reader, 0
    pieces = (
        _take(job, source, shard, schema)
        if isinstance(source, HuggingFace)
        else _make(job, shard.rows, schema)
    )
    for table in _grouped(pieces):
        whole = pa.concat_tables(table).combine_chunks().replace_schema_metadata(schema.metadata)
        if job.weights is not None:
            rows = shard.rows[done : done + len(whole)]
            weights = job.weights[np.searchsorted(job.rows, rows)]
            whole = with_values(whole, schema_of(job, shard), weight_name(job, schema), weights)
        done += len(whole)
        yield whole


def with_values(table: pa.Table, schema: pa.Schema, name: str, weights: Weights) -> pa.Table:
    """Return rows with these weights in their column; `schema`: the columns that they then have."""
    place, values = table.schema.get_field_index(name), pa.array(weights, pa.float32())
    if place < 0:
        table = table.append_column(schema.field(name), values)
    else:
        table = table.set_column(place, schema.field(name), values)
    return table.replace_schema_metadata(schema.metadata)


def _grouped(pieces: Iterator[pa.Table]) -> Iterator[list[pa.Table]]:
    waiting: list[pa.Table] = []
    rows = size = 0
    for piece in pieces:
        if waiting and (rows + len(piece) > BATCH or size + piece.nbytes > _BYTES):
            yield waiting
            waiting, rows, size = [], 0, 0
        waiting.append(piece)
        rows, size = rows + len(piece), size + piece.nbytes
    if waiting:
        yield waiting


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """Return the features of a schema as `dataset_info.json` holds them."""
    features: dict[str, Any] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return features


def _take(job: ExportJob, source: HuggingFace, shard: Shard, schema: pa.Schema) -> Iterator[pa.Table]:
    assert shard.source is not None
    samples = job.samples(shard.rows)
    keys, digests = samples["key"].to_pylist(), samples["digest"].to_pylist()
    ids, done = label_ids(job, shard.rows), 0
    for table in file_tables(source.root / shard.source, samples["index"].to_numpy()):
        table = _embedded(table, source.image_column, source.root)
        if is_relabelled(job):
            table = labelled(table, ids[done : done + len(table)])
        table = conformed(table, schema)
        for data in source.contents(table):
            check_digest(keys[done], digests[done], data if isinstance(data, bytes) else b"")
            done += 1
        yield table


def _embedded(table: pa.Table, name: str, root: Path) -> pa.Table:
    """Put the bytes of images that the source only points to where every other image has them."""
    images = table[name].combine_chunks()
    if not pa.types.is_struct(images.type) or images.field("bytes").null_count == 0:
        return table
    held = [{**row, "bytes": image_bytes(root, row)} for row in images.to_pylist()]
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pa.array(held, images.type))


def _make(job: ExportJob, rows: Rows, schema: pa.Schema) -> Iterator[pa.Table]:
    keys = job.samples(rows)["key"].to_pylist()
    labels, columns, column = label_ids(job, rows), _columns(job), job.payload_column
    waiting: list[dict[str, Any]] = []
    size = 0
    for key, label, data, more in zip(keys, labels, job.payloads(rows), carried(job, rows), strict=True):
        called = f"{without_suffix(key).rpartition('/')[2]}.{job.form.suffix_of(data)}"
        row = {column: job.form.cell(data, called), LABEL: label, KEY: key}
        waiting.append(row | {one.called: one.cell(more) for one in columns})
        size += len(data) + sum(map(len, more.files.values()))
        if len(waiting) == BATCH or size >= _BYTES:
            yield _table(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield _table(waiting, schema)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)
