"""The selections of a store: their files against their checksums, and what they were chosen by."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from prune.core.findings import Findings, Kind
from prune.store.earlier_state import EarlierState
from prune.store.folder import StoreFolder
from prune.store.layout import SELECTION, SELECTIONS, STATE, removal
from prune.store.selections import StoredSelection, outdated_by, read_selection


def check_selections(
    store: StoreFolder, state: dict[str, Any], found: Findings, command: Callable[[str], str]
) -> None:
    """Look at every selection that a store shows, and note the others; `command` is that of `check_store`."""
    published: dict[str, str] = state.get("selections", {})
    latest, path = state.get("latest"), store.path / STATE
    if latest is not None and latest not in published:
        found.add("damaged", str(path), f"shows no selection {latest!r}", removal(path))
    for name in sorted(published):
        again, path = command(f"{SELECTIONS}/{name}"), store.path / SELECTIONS / name / SELECTION
        with found.past_denied():
            chosen = found.read(path, functools.partial(read_selection, store, name), again)
            if chosen is not None:
                _check_selection(store, chosen, found, again, latest=name == latest)
    home, before = store.path / SELECTIONS, EarlierState.of(state).selections
    with found.past_denied():
        for folder in sorted(home.iterdir()) if home.is_dir() else []:
            if folder.name not in {**published, **before}:
                found.add("note", str(folder), "is not shown: a command that was stopped left it")


def _check_selection(
    store: StoreFolder, chosen: StoredSelection, found: Findings, again: str, *, latest: bool
) -> None:
    for file, digest in sorted(chosen.about["files"].items()):
        found.check(chosen.folder / file, digest, again)
    column = outdated_by(store, chosen)
    if column is not None:  # the latest is what `export` takes, and would refuse
        why = f"{column} was made again since the selection {chosen.name!r} was chosen by it"
        kind: Kind = "stale" if latest else "note"
        found.add(kind, str(chosen.folder), why, again if latest else "")
    for path in sorted(chosen.folder.iterdir()):
        if path.name not in {*chosen.about["files"], SELECTION}:
            found.strange(path)
