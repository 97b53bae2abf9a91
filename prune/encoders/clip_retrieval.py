"""A folder of embeddings as clip-retrieval writes it: `img_emb/img_emb_0.npy`, `metadata/metadata_0.parquet`.

Rows of a part stand in the order of its metadata. Samples are found by what that calls them: `image_path`, a
key or an id; the metadata may be the dataset itself, whose rows these are then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from prune.core.arrays import Array, Embeddings, Rows
from prune.core.errors import DataError
from prune.store import Dataset, identity
from prune.store.join import KEYS, match_table
from prune.system import files
from prune.system.npy import open_npy

_KINDS = {"image": ("img_emb", "text_emb"), "text": ("text_emb", "img_emb")}
_LAYOUT = "as clip-retrieval writes it: img_emb/img_emb_0.npy, …, and metadata/metadata_0.parquet, …"
_NUMBER = re.compile(r"(\d+)\.\w+$")


class EmbeddingFolder:
    """Embeddings of the samples of a dataset; see `prune.encoders.features.Features`.

    Raises
    ------
    DataError
        There are none, parts do not fit together, or a usable sample has no embedding.
    """

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self.source = str(folder)
        self._paths = _parts(folder, dataset.modality)
        self._matrices = [_matrix(path) for path in self._paths.values()]
        widths = {matrix.shape[1] for matrix in self._matrices}
        if len(widths) > 1:
            raise DataError(f"{folder} has parts of different widths: {', '.join(map(str, sorted(widths)))}")
        (self._width,) = widths
        self._starts = np.cumsum([0, *(len(matrix) for matrix in self._matrices)])
        self._metadata = _metadata(folder, self._paths)
        self._require_rows()
        self._positions = self._found(dataset)

    @property
    def identity(self) -> dict[str, str]:
        """What stands for the content of the files that were read."""
        read = [*self._paths.values(), *self._metadata.values()]
        return {"files": identity({path.name: files.sha256(path) for path in read})}

    def rows(self, rows: Rows) -> Embeddings:
        """Return a new (k, d) float32 array; NaN where there is nothing for a sample."""
        places = self._positions[rows]
        found = np.full((len(rows), self._width), np.nan, np.float32)
        for number, matrix in enumerate(self._matrices):
            start, stop = self._starts[number], self._starts[number + 1]
            own = np.flatnonzero((places >= start) & (places < stop))
            if len(own):
                with np.errstate(over="ignore"):  # what overflows is infinite, and named as such
                    found[own] = matrix[places[own] - start].astype(np.float32)
        return found

    def blocks(self, usable: Rows, size: int) -> Iterator[tuple[Embeddings, Rows]]:
        """Yield the embeddings of all `usable` rows and which rows these are, in the order of the parts."""
        ordered = usable[np.argsort(self._positions[usable], kind="stable")]
        for start in range(0, len(ordered), size):
            rows = ordered[start : start + size]
            yield self.rows(rows), rows

    def _require_rows(self) -> None:
        for number, (matrix, path) in enumerate(zip(self._matrices, self._paths.values(), strict=True)):
            described = list(self._metadata.values())
            if described and (told := _rows_of(described[number])) != len(matrix):
                raise DataError(
                    f"{path} has {len(matrix)} rows, and {described[number].name} has {told}", _LAYOUT
                )

    def _found(self, dataset: Dataset) -> Rows:
        """Return where each sample stands, all parts one after the other; −1 where it does not."""
        if self._metadata and set(dataset.sources) == {path.name for path in self._metadata.values()}:
            names = [path.name for path in self._metadata.values()]
            first = dict(zip(names, self._starts[:-1].tolist(), strict=True))
            shards = dataset.samples["shard"].to_pylist()
            starts = np.array([first[name] for name in shards], np.int64)
            ends = dict(zip(names, self._starts[1:].tolist(), strict=True))
            places = starts + dataset.samples["index"].to_numpy()
            if (places >= np.array([ends[name] for name in shards], np.int64)).any():
                raise DataError(f"{self.source} has fewer embeddings than the dataset has rows", _LAYOUT)
            return places
        table = _keys(self._metadata)
        if table is not None:
            return match_table(dataset, table, self.source)
        if self._starts[-1] != len(dataset):
            told = "no names of samples" if self._metadata else "no metadata"
            raise DataError(
                f"{self.source} has {told}, and {self._starts[-1]} rows for {len(dataset)} samples", _LAYOUT
            )
        return np.arange(len(dataset))


def _parts(folder: Path, modality: str) -> dict[int, Path]:
    """Return the parts by their number, in its order: of the kind of the payloads, if there are such."""
    for kind in _KINDS.get(modality, _KINDS["image"]):
        for place in (folder / kind, folder):
            found = _numbered(place, f"{kind}_*.npy")
            if found:
                return found
    raise DataError(f"{folder} holds no embeddings", _LAYOUT)


def _metadata(folder: Path, parts: Mapping[int, Path]) -> dict[int, Path]:
    for place in (folder / "metadata", folder):
        found = _numbered(place, "metadata_*.parquet")
        if found and found.keys() != parts.keys():
            lacking = sorted(found.keys() ^ parts.keys())[0]
            raise DataError(f"{folder} has only one of embeddings and metadata of part {lacking}", _LAYOUT)
        if found:
            return found
    return {}


def _numbered(place: Path, pattern: str) -> dict[int, Path]:
    named = [(int(match[1]), path) for path in place.glob(pattern) if (match := _NUMBER.search(path.name))]
    if len({number for number, _ in named}) < len(named):
        raise DataError(f"{place} has two parts of one number", _LAYOUT)
    return dict(sorted(named))


def _matrix(path: Path) -> Array:
    matrix = open_npy(path)
    if matrix.ndim != 2 or not matrix.shape[1] or matrix.dtype.kind not in "iuf":
        raise DataError(f"{path} holds {matrix.dtype} of shape {matrix.shape}, want numbers (n, d)")
    return matrix


def _rows_of(path: Path) -> int:
    try:
        return int(pq.ParquetFile(path).metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as a parquet file", "fetch it again") from error


def _keys(metadata: Mapping[int, Path]) -> pa.Table | None:
    """Return the columns that name samples, of all parts; None where there are none."""
    tables = []
    for path in metadata.values():
        try:
            file = pq.ParquetFile(path)
            named = [f.name for f in file.schema_arrow if f.name in KEYS and not pa.types.is_nested(f.type)]
            tables.append(file.read(columns=named, use_threads=False))
        except (pa.ArrowException, OSError, UnicodeError) as error:
            raise DataError(f"{path} cannot be read as a parquet file", "fetch it again") from error
    shared = [name for name in KEYS if tables and all(name in table.column_names for table in tables)]
    if not shared:
        return None
    return pa.table({name: pa.concat_arrays([_text(t[name]) for t in tables]) for name in shared})


def _text(column: pa.ChunkedArray) -> pa.Array:
    return column.cast(pa.string()).combine_chunks()
