"""A selection on disk: the manifest, the kept rows, and `selection.json`, which completes it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from prune import files
from prune.arrays import Rows, Weights
from prune.errors import StoreError
from prune.store.layout import SELECTION, SELECTIONS
from prune.store.store import Store

_RUN_FACTS = ("seconds",)  # differ from run to run; kept in the store, left out of what travels


@dataclass(frozen=True)
class StoredSelection:
    """A finished selection."""

    name: str
    folder: Path
    about: Mapping[str, Any]  # selection.json

    @property
    def manifest(self) -> pa.Table:
        """One row per source sample, in source order."""
        return pq.read_table(io.BytesIO(self._bytes("manifest.parquet")))

    @property
    def rows(self) -> Rows:
        """(k,) ascending kept rows."""
        rows: Rows = np.load(io.BytesIO(self._bytes("indices.npy")), allow_pickle=False)
        return rows

    @property
    def weights(self) -> Weights | None:
        """(k,) aligned with `rows`; None where all are 1."""
        if "weights.npy" not in self.about["files"]:
            return None
        weights: Weights = np.load(io.BytesIO(self._bytes("weights.npy")), allow_pickle=False)
        return weights

    @property
    def records(self) -> dict[str, bytes]:
        """The files, for putting beside an export: the same bytes for the same selection."""
        records = {name: self._bytes(name) for name in self.about["files"]}
        travels = {key: value for key, value in self.about.items() if key not in _RUN_FACTS}
        return records | {SELECTION: files.json_bytes(travels)}

    def _bytes(self, name: str) -> bytes:
        path = self.folder / name
        data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != self.about["files"][name]:
            raise StoreError(f"{path} is missing or damaged", f"prune select --name {self.name} … again")
        return data


def write_selection(store: Store, name: str, manifest: pa.Table, about: Mapping[str, Any]) -> str:
    """Write a selection; return the digest with which `publish(selections={name: …})` makes it visible."""
    folder = store.path / SELECTIONS / name
    chosen = manifest["selected"].to_numpy()
    weights = manifest["weight"].to_numpy()[chosen]
    contents = {
        "manifest.parquet": _parquet_bytes(manifest),
        "indices.npy": _npy_bytes(np.flatnonzero(chosen).astype(np.int64)),
        "keys.txt": "".join(
            f"{key}\n" for key in manifest["key"].filter(manifest["selected"]).to_pylist()
        ).encode(),
    }
    if not np.all(weights == 1):
        contents["weights.npy"] = _npy_bytes(weights.astype(np.float32))
    files.make_folder(folder)
    for old in (SELECTION, "weights.npy"):
        files.disk.remove(folder / old)
    digests = {file: files.write(folder / file, data) for file, data in contents.items()}
    return files.write(folder / SELECTION, files.json_bytes({**about, "name": name, "files": digests}))


def read_selection(store: Store, name: str | None = None) -> StoredSelection:
    """Read a finished selection; by default the latest.

    Raises
    ------
    StoreError
        There is none, it is not finished, or it is damaged.
    """
    state = store.state
    name = name or state.get("latest")
    published = state["selections"]
    if name is None or name not in published:
        what = "no selection yet" if name is None else f"no selection called {name!r}"
        known = f" (it has: {', '.join(sorted(published))})" if published else ""
        raise StoreError(f"{store.path} has {what}{known}", "prune select --method kcenter --fraction 0.3")
    path = store.path / SELECTIONS / name / SELECTION
    if not path.exists() or files.sha256(path) != published[name]:
        raise StoreError(f"selection {name!r} is not finished or damaged", "run prune select again")
    return StoredSelection(name, path.parent, files.read_json(path))


def _npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    sink = io.BytesIO()
    np.lib.format.write_array(sink, array, allow_pickle=False)
    return sink.getvalue()


def _parquet_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", row_group_size=65_536)
    return sink.getvalue()
