"""Kept rows as the `datasets` library has them: of Arrow files a selection, of parquet a stream."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.loaders.selected import SelectedSamples, selected
from prune.loaders.weighted_dataset import WEIGHT
from prune.loaders.without_library import require_library
from prune.readers.huggingface import HuggingFace
from prune.readers.source_watch import Sources
from prune.readers.tables.files import TableFiles
from prune.store import Store
from prune.system import contents

require_library("datasets")

import datasets  # noqa: E402 - after the look whether it is there

_PIECE = 4096  # kept rows that one worker reads in one go


def huggingface(
    store: Store | str | Path = ".prune",
    selection: str | None = None,
    *,
    fraction: str | float | None = None,
    count: int | None = None,
    streaming: bool | None = None,
    weights: bool = False,
    data: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
) -> datasets.Dataset | datasets.IterableDataset:
    """Return the kept rows with all their columns, as `datasets` has them.

    Parameters
    ----------
    store, selection, fraction, count, data, reading
        As of `dataset`.
    streaming
        False: a `Dataset`, of files that `save_to_disk` wrote, mapped into memory: `Dataset.select`. True: an
        `IterableDataset` whose pieces are dealt to workers and nodes, and of which a state goes on. Default:
        False where that copies nothing, so True of parquet.
    weights
        Whether rows have one more column, `weight`.

    Raises
    ------
    OptionError
        It is no such dataset, or of parquet and not to be streamed; and as of `dataset`.
    StoreError, DataError
        As of `dataset`.
    """
    samples = selected(store, selection, fraction=fraction, count=count, data=data, reading=reading)
    reader = samples.reader
    if not isinstance(reader, HuggingFace):
        raise OptionError(
            f"the dataset in {reader.root} is of format {reader.format}, not of the Hugging Face library",
            "prune.loaders.dataset(…) or stream(…) read it",
        )
    if reader.kind == "parquet" and streaming is False:
        raise OptionError(
            f"{reader.root} is of parquet, which the library copies before it selects from it",
            "streaming=True, or prune.loaders.dataset(…)",
        )
    if weights and WEIGHT in _features(reader):
        raise OptionError(f"{reader.root} has a column {WEIGHT} already", "leave weights= out")
    mapped = reader.kind != "parquet" if streaming is None else not streaming
    return _mapped(samples, reader, weights) if mapped else _streamed(samples, reader, weights)


def _mapped(samples: SelectedSamples, reader: HuggingFace, weights: bool) -> datasets.Dataset:
    """Select from the files as they lie; weights are a column of all rows, as one of some would copy them."""
    parts = [datasets.Dataset.from_file(str(contents.local(reader.root / file))) for file in reader.files]
    whole = datasets.concatenate_datasets(parts)
    starts = dict(zip(reader.files, np.cumsum([0, *map(len, parts)]).tolist(), strict=False))
    shards = samples.kept.samples["shard"].to_pylist()
    rows = samples.kept.samples["index"].to_numpy() + np.array([starts[shard] for shard in shards], np.int64)
    if weights:
        column = np.zeros(len(whole), np.float32)
        column[rows] = samples.weights
        whole = whole.add_column(WEIGHT, column)
    return whole.select(rows)


def _streamed(samples: SelectedSamples, reader: HuggingFace, weights: bool) -> datasets.IterableDataset:
    features = _features(reader)
    if weights:
        features[WEIGHT] = datasets.Value("float32")
    source = _RowSource(
        TableFiles(reader.root, reader.files, reader.kind, lenient=False),
        Sources(reader.root, samples.kept),
        tuple(name for name in features if name != WEIGHT or not weights),
    )
    pieces = list(_pieces(samples, weights))
    return datasets.IterableDataset.from_generator(
        _rows, features=features, gen_kwargs={"source": source, "pieces": pieces}
    )


@dataclass(frozen=True)
class _RowSource:
    """Where rows are read from; what is opened stays in its process."""

    files: TableFiles
    sources: Sources
    columns: tuple[str, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        files = self.files
        return _made, (files.root, tuple(files.files), files.kind, self.sources, self.columns)


def _made(
    root: Path, files: Sequence[str], kind: str, sources: Sources, columns: tuple[str, ...]
) -> _RowSource:
    return _RowSource(TableFiles(root, files, kind, lenient=False), sources, columns)


@dataclass(frozen=True)
class _Piece:
    """Some kept rows of one file."""

    file: str
    rows: Rows
    weights: np.ndarray[Any, Any] | None


def _pieces(samples: SelectedSamples, weights: bool) -> Iterator[_Piece]:
    table = samples.kept.samples
    shards, rows = table["shard"].combine_chunks().dictionary_encode(), table["index"].to_numpy()
    codes, names = shards.indices.to_numpy(), shards.dictionary.to_pylist()
    cuts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for begin, end in itertools.pairwise(cuts):
        for at in range(begin, end, _PIECE):
            part = slice(at, min(at + _PIECE, end))
            yield _Piece(names[codes[at]], rows[part], samples.weights[part] if weights else None)


def _rows(source: _RowSource, pieces: Sequence[_Piece]) -> Iterator[dict[str, Any]]:
    """Yield the rows of pieces; `datasets` deals these to workers and nodes."""
    for piece in pieces:
        source.sources.require([piece.file])
        places = pa.table({"shard": pa.repeat(piece.file, len(piece.rows)), "index": piece.rows})
        at = 0
        for table in source.files.taken(places, source.columns):
            for row in table.to_pylist():
                yield row if piece.weights is None else {**row, WEIGHT: float(piece.weights[at])}
                at += 1


def _features(reader: HuggingFace) -> datasets.Features:
    first = TableFiles(reader.root, reader.files, reader.kind, lenient=False)
    return datasets.Features.from_arrow_schema(first.schema)
