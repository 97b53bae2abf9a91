"""A selection on disk: the manifest, the kept rows, and `selection.json`, which completes it."""

from __future__ import annotations

import difflib
import hashlib
import io
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core import method_names
from prune.core.arrays import Rows, Weights
from prune.core.errors import StoreError
from prune.core.store_option import in_store
from prune.store.earlier_state import EarlierState
from prune.store.folder import StoreFolder
from prune.store.layout import SELECTION, SELECTIONS
from prune.store.tables import from_parquet, to_parquet
from prune.store.unfinished import begun
from prune.system import files

_TOGETHER = 65_536  # keys that are Python strings at a time
_RUN_FACTS = ("seconds", "threads")  # of the machine; kept in the store, left out of what travels


@dataclass(frozen=True)
class StoredSelection:
    """A finished selection."""

    name: str
    folder: Path
    about: Mapping[str, Any]  # selection.json
    again: str  # the command that makes it

    @property
    def manifest(self) -> pa.Table:
        """One row per source sample, in source order."""
        return from_parquet(self._bytes("manifest.parquet"))

    def manifest_columns(self, *names: str) -> pa.Table:
        """Return these columns of the manifest, for those who need not hold the rest."""
        return from_parquet(self._bytes("manifest.parquet"), names)

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
        return record_files(self.about, {name: self._bytes(name) for name in self.about["files"]})

    def _bytes(self, name: str) -> bytes:
        path = self.folder / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != self.about["files"][name]:
            raise StoreError(f"{path} is missing or damaged", self.again)
        return data


def write_selection(store: StoreFolder, name: str, manifest: pa.Table, about: Mapping[str, Any]) -> str:
    """Write a selection; return the digest with which `publish(selections={name: …})` makes it visible.

    An earlier selection of this name stays readable until then. For the holder of the store's lock; after
    `publish`, `settle_selection` removes the earlier one.
    """
    settle_selection(store, name)
    folder, new, old = _places(store, name)
    digests = {file: files.write(new / file, data) for file, data in contents(manifest).items()}
    digest = files.write(new / SELECTION, files.json_bytes({**about, "name": name, "files": digests}))
    with files.writing(folder):
        if folder.exists():
            files.disk.rename(folder, old)
        files.disk.rename(new, folder)
    files.sync_folder(folder.parent)
    return digest


def digest_of_keys(keys: pa.ChunkedArray) -> str:
    """SHA-256 of the kept keys, one a line: the same for the same samples, however they are stored."""
    digest = hashlib.sha256()
    for lines in _key_lines(keys):
        digest.update(lines)
    return digest.hexdigest()


def record_files(about: Mapping[str, Any], made: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that go with an export: `contents`, and what `selection.json` says of every run."""
    travels = {key: value for key, value in about.items() if key not in _RUN_FACTS}
    return {**made, SELECTION: files.json_bytes(travels)}


def contents(manifest: pa.Table) -> dict[str, bytes]:
    """Return the files of a selection, by name, but for `selection.json`."""
    chosen = manifest["selected"].to_numpy()
    weights = manifest["weight"].to_numpy()[chosen]
    keys = manifest["key"].filter(manifest["selected"])
    made = {
        "manifest.parquet": to_parquet(manifest),
        "indices.npy": _npy_bytes(np.flatnonzero(chosen).astype(np.int64)),
        "keys.txt": b"".join(_key_lines(keys)),
    }
    if not np.all(weights == 1):
        made["weights.npy"] = _npy_bytes(weights.astype(np.float32))
    return made


def _key_lines(keys: pa.ChunkedArray) -> Iterator[bytes]:
    """Yield keys, one a line, so many at a time."""
    for start in range(0, len(keys), _TOGETHER):
        yield "".join(f"{key}\n" for key in keys[start : start + _TOGETHER].to_pylist()).encode()


def settle_selection(store: StoreFolder, name: str) -> None:
    """Leave the selection of this name, published or earlier, whatever a stopped `select` left."""
    folder, new, old = _places(store, name)
    state = store.state
    published = {**EarlierState.of(state).selections, **state["selections"]}.get(name)
    with files.writing(folder):
        if old.exists() and _digest(folder) != published:
            if folder.exists():
                files.remove_tree(folder)
            files.disk.rename(old, folder)
        for left in (new, old):
            if left.exists():
                files.remove_tree(left)


def read_selection(store: StoreFolder, name: str | None = None) -> StoredSelection:
    """Read a finished selection; by default the latest.

    Raises
    ------
    StoreError
        There is none, it is not finished, or it is damaged.
    """
    state = store.state
    name = name or state.get("latest")
    published, earlier = state["selections"], EarlierState.of(state)
    before = name or earlier.latest
    if before in earlier.selections:
        raise StoreError(
            f"stale: the dataset of {store.path} changed since the selection {before!r} was chosen",
            f"{_making(store, str(before))}   # of the dataset as it is now",
        )
    if name is None or name not in published:
        what = "no selection yet" if name is None else f"no selection called {name!r}"
        known = f" (it has: {', '.join(sorted(published))})" if published else ""
        raise StoreError(f"{store.path} has {what}{known}", _instead(store, name, published))
    return _found(store, name, published[name])


def read_earlier_selection(store: StoreFolder, name: str) -> StoredSelection | None:
    """Read a selection of the dataset as it was before it changed; None where none has this name.

    Raises
    ------
    StoreError
        It is damaged.
    """
    digest = store.earlier.selections.get(name)
    return None if digest is None else _found(store, name, digest)


def _found(store: StoreFolder, name: str, digest: str) -> StoredSelection:
    """Return the selection with this digest."""
    again = _making(store, name)
    for folder in _places(store, name):
        if _digest(folder) == digest:
            return StoredSelection(name, folder, files.read_record(folder / SELECTION), again)
    raise StoreError(f"selection {name!r} is not finished or damaged", again)


def _making(store: StoreFolder, name: str) -> str:
    """Return the command that makes a selection."""
    known = store.commands.get(f"{SELECTIONS}/{name}", shlex.join(["prune", "select", "--name", name]))
    return in_store(known, str(store.path))


def _instead(store: StoreFolder, name: str | None, published: Collection[str]) -> str:
    """Return the name that was probably meant, or the command that makes a selection of this name."""
    going = begun(store.path).get("select")
    if going is not None:
        return f"{in_store(going, str(store.path))}   # goes on with what is there"
    near = difflib.get_close_matches(name or "", published, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    plain = name is not None and shlex.quote(name) == name  # others cannot name a selection
    method = name if name in method_names.SELECTORS else "kcenter"
    called = f" --name {name}" if plain and name != method else ""
    return in_store(f"prune select --method {method} --fraction 0.3{called}", str(store.path))


def outdated_by(store: StoreFolder, chosen: StoredSelection) -> str | None:
    """Return the first column, or earlier selection, that decided and was made again since, or None."""
    shown, seen = store.state["columns"], set[str]()
    while True:
        made = chosen.about.get("from", {})
        if column := next((name for name in sorted(made) if shown.get(name) != made[name]), None):
            return column
        within = chosen.about.get("within")
        if within is None or chosen.name in seen:  # two that were chosen within one another
            return None
        seen.add(chosen.name)
        try:
            chosen = read_selection(store, within["name"])
        except StoreError:
            return f"the selection {within['name']!r}"
        if chosen.about["keys_sha256"] != within["keys_sha256"]:
            return f"the selection {chosen.name!r}"


def require_current(store: StoreFolder, chosen: StoredSelection) -> None:
    """Raise `StoreError` if a column that decided the selection was made again since, in another way."""
    column = outdated_by(store, chosen)
    if column is not None:
        raise StoreError(
            f"stale: {column} was made again since the selection {chosen.name!r} was chosen by it",
            f"{chosen.again}   # or add --selection {shlex.quote(chosen.name)} to take it as it is",
        )


def _places(store: StoreFolder, name: str) -> tuple[Path, Path, Path]:
    """Where a selection lies, where a new one is made, and where the earlier one waits to be replaced."""
    home = store.path / SELECTIONS
    return home / name, home / f".{name}.new", home / f".{name}.old"


def _digest(folder: Path) -> str | None:
    path = folder / SELECTION
    return files.sha256(path) if path.is_file() else None


def _npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    sink = io.BytesIO()
    np.lib.format.write_array(sink, array, allow_pickle=False)
    return sink.getvalue()
