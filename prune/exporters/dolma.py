"""Attribute files of dolma: of every document its id, the scores, and whether it is kept; no texts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from prune.core.arrays import Rows
from prune.core.column_name import SCORE
from prune.exporters.job import ExportJob
from prune.exporters.lines.blocks import joined
from prune.exporters.lines.container import container_of, packed
from prune.exporters.lines.names import apart, plain_stem
from prune.exporters.staging.folder import StagingFolder
from prune.readers.lines.reader import LineReader

MANIFEST = "manifest.parquet"  # of a selection: a row a sample of the source
_PREFIX = "prune__"


def dolma(job: ExportJob, folder: StagingFolder, /) -> None:
    """Attribute files of dolma: scores and the selection of every document, and no texts.

    A file for each of the source, of the same name, with a line for each of its records, as dolma's mixer
    wants them: `--out DATA/attributes/prune` beside `DATA/documents`. A line has the `id` of the record as
    it stands there (or else the key) and `attributes`: `prune__selected` (1 or 0), of what is kept
    `prune__rank` and `prune__weight`, and `prune__NAME` of each score that the selection knows; each is
    `[[0, length of the text in characters, value]]`. Records that cannot be used have none.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.

    Raises
    ------
    DataError
        The source is not the one that was scanned.
    """
    shards = _all_by_shard(job)
    names = apart([f"{plain_stem(name)}{_suffix(name)}" for name in shards])
    values = _attributes(job)
    with job.reporter.stage("export", len(job.dataset)) as advance:
        for name, rows in zip(names, shards.values(), strict=True):
            if not folder.done(name):
                with (
                    folder.part(name) as part,
                    job.steady(rows),
                    part.open(name) as out,
                    packed(out, container_of(name)) as write,
                ):
                    for block in joined(_lines(job, rows, values)):
                        write(block)
            advance(len(rows))


def _all_by_shard(job: ExportJob) -> dict[str, Rows]:
    """Return all rows of each file of the source, kept or not."""
    shards = job.dataset.samples["shard"].combine_chunks().fill_null("samples").dictionary_encode()
    codes = shards.indices.to_numpy()
    return {name: np.flatnonzero(codes == code) for code, name in enumerate(shards.dictionary.to_pylist())}


def _suffix(shard: str) -> str:
    end = shard.removeprefix(plain_stem(shard))
    return end if end.removesuffix(container_of(shard)) in {".jsonl", ".json", ".ndjson"} else ".jsonl"


def _attributes(job: ExportJob) -> dict[str, pa.Array]:
    """Return the value of each attribute of every row of the dataset; null for a row without one."""
    n = len(job.dataset)
    kept = np.zeros(n, bool)
    kept[job.rows] = True
    found = {"selected": pa.array(kept.astype(np.int8))}
    if MANIFEST not in job.records:
        return found
    table = pq.read_table(io.BytesIO(job.records[MANIFEST]))
    weight = np.ones(n, np.float32)
    weight[job.rows] = 1 if job.weights is None else job.weights
    if not job.asked.get("rejected"):
        found["rank"] = _where(table["rank"], kept)
        found["weight"] = pa.array(weight, mask=~kept)
    scores = (name for name in table.schema.names if name.startswith(f"{SCORE}."))
    return found | {_named(name): table[name].combine_chunks() for name in scores}


def _where(column: pa.ChunkedArray, kept: np.ndarray) -> pa.Array:
    values = column.combine_chunks().fill_null(-1).to_numpy()
    return pa.array(values, mask=~kept | (values < 0))


def _named(column: str) -> str:
    return column.partition(".")[2].replace(".", "__")


def _lines(job: ExportJob, rows: Rows, values: Mapping[str, pa.Array]) -> Iterator[bytes]:
    samples = job.samples(rows)
    usable = samples["reason"].is_null().to_numpy()
    lengths = (len(text.decode()) for text in job.payloads(rows[usable]))
    columns = [
        (f"{_PREFIX}{name}", column.take(pa.array(rows)).to_pylist()) for name, column in values.items()
    ]
    for at, (id_, known) in enumerate(zip(_ids(job, samples), usable.tolist(), strict=True)):
        length = next(lengths) if known else 0
        told = ((name, column[at]) for name, column in columns) if known else ()
        attributes = {name: [[0, length, _number(value)]] for name, value in told if _is_said(value)}
        yield json.dumps({"id": id_, "attributes": attributes}, ensure_ascii=False).encode(
            errors="backslashreplace"
        )


def _ids(job: ExportJob, samples: pa.Table) -> Iterator[Any]:
    """Yield the id of each record as it stands there, for the mixer compares it; else the key."""
    keys, reader = samples["key"].to_pylist(), job.reader
    if not isinstance(reader, LineReader):
        yield from keys
        return
    shards = samples["shard"].to_pylist()
    for key, shard, record in zip(keys, shards, reader.records(samples), strict=True):
        try:
            yield reader.others(shard, record).get("id", key)
        except ValueError:  # it is no record
            yield key


def _is_said(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not np.isfinite(value))


def _number(value: Any) -> int | float:
    return int(value) if isinstance(value, bool) else value
