"""What lies in a store and nothing shows: columns made again since, datasets, targets, selections."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prune.core.column_name import EVALUATION, NEIGHBOURS, OF_PAYLOADS, ColumnName, of_kinds
from prune.core.errors import StoreError
from prune.store.column_json import known_recipe
from prune.store.earlier_state import EarlierState
from prune.store.folder import StoreFolder
from prune.store.layout import (
    COLUMN,
    COLUMNS,
    DATASETS,
    SELECTION,
    SELECTIONS,
    STOPPED,
    TARGETS,
    identity,
)
from prune.store.selections import read_earlier_selection, read_selection
from prune.store.unfinished import begun
from prune.system import files


@dataclass(frozen=True)
class Unused:
    """A file or folder, why nothing needs it, and how large it is."""

    path: Path
    why: str
    bytes: int
    unfinished: bool = False  # a command can go on with it


def unused(store: StoreFolder, writer: str | None = None, broken: Collection[str] = ()) -> list[Unused]:
    """Return what the state of a store does not show, in order; of what may be gone on with, that it may.

    Parameters
    ----------
    writer
        Another command that is at work on the store now, in words: what it writes is not shown yet.
    broken
        Columns that are shown, and are not to be: see `broken_neighbours`.

    Raises
    ------
    StoreError
        There is no store, or its state is damaged: then nobody knows what it shows.
    """
    state = store.state_or_nothing
    owed = [folder for folder in _columns(store) if not (folder / COLUMN).exists()]
    shown = {name: id_ for name, id_ in state["columns"].items() if name not in broken}
    earlier = EarlierState.of(state)
    going = begun(store.path)
    words = f"{', '.join(sorted(going.values()))} did not end" if going else None
    words = words if writer is None else f"{writer} is at work"
    found = [*_old_columns(store, shown, owed, words), *_old_datasets(store, state, owed, words)]
    carried = {store.path / COLUMNS / name / id_ for name, id_ in _carried(store, earlier)}
    found = [piece for piece in found if piece.path not in carried]
    found += [*_old_selections(store, {**earlier.selections, **state["selections"]})]
    found += [*_old_targets(store, state)]
    if writer is None:
        return found
    return [p if p.unfinished else replace(p, why=f"not shown, but {words}", unfinished=True) for p in found]


def broken_neighbours(store: StoreFolder) -> list[str]:
    """Return the shown columns of neighbours that are not whole: whoever needs them finds them again.

    Every byte of them is read.
    """
    shown = store.state_or_nothing["columns"]
    return [name for name in of_kinds(shown, NEIGHBOURS) if store.whole_column(name, shown[name]) is None]


def _columns(store: StoreFolder) -> list[Path]:
    return [path for path in sorted((store.path / COLUMNS).glob("*/*")) if path.is_dir()]


def _old_columns(
    store: StoreFolder, shown: Mapping[str, str], owed: list[Path], going: str | None
) -> Iterator[Unused]:
    recipes = [known_recipe(folder) or {} for folder in owed]
    for folder in _columns(store):
        name = folder.parent.name
        if shown.get(name) == folder.name:
            continue
        if folder in owed:
            stopped = any(folder.glob(f"{STOPPED}-*"))
            why = "stopped early; more epochs can be added" if stopped else "not finished"
            yield Unused(folder, why, size_of(folder), unfinished=True)
        elif going:
            yield Unused(folder, f"not shown, but {going}", size_of(folder), unfinished=True)
        elif _feeds(known_recipe(folder) or {}, recipes):
            yield Unused(folder, "belongs to what is not finished", size_of(folder), unfinished=True)
        else:
            yield Unused(folder, _replaced(name, shown), size_of(folder))


def _replaced(name: str, shown: Mapping[str, str]) -> str:
    return f"{name} was made again in another way" if name in shown else f"{name} is not shown any more"


def _feeds(recipe: Mapping[str, Any], owed: list[dict[str, Any]]) -> bool:
    """Whether a column is of the same work as one that is not finished."""
    mine = identity(recipe)
    return any(
        other.get("trace") == mine
        or (other.get("inputs") or {}).get("recipe") == recipe
        or (recipe.get("training") is not None and recipe["training"] == other.get("training"))
        for other in owed
    )


def _old_datasets(
    store: StoreFolder, state: Mapping[str, Any], owed: list[Path], words: str | None
) -> Iterator[Unused]:
    recipes = [known_recipe(folder) or {} for folder in owed]
    needed = {str(recipe.get("data") or recipe.get("dataset") or "")[:16] for recipe in recipes}
    shown = {state.get("dataset", ""), *_carried_from(store, EarlierState.of(state))}
    for folder in _inside(store.path / DATASETS):
        if folder.name in {str(name)[:16] for name in shown}:
            continue
        going = folder.name in needed or words is not None
        why = "belongs to what is not finished" if going else "the store is about another dataset"
        yield Unused(folder, why, size_of(folder), unfinished=going)


def _carried(store: StoreFolder, earlier: EarlierState) -> Iterator[tuple[str, str]]:
    """Yield columns of the dataset before that can be carried over; samples where one was made of them."""
    made_of = set[tuple[str, str]]()
    for name, (_, id_) in earlier.columns.items():
        recipe = known_recipe(store.path / COLUMNS / name / id_) or {}
        made_of |= set((recipe.get("from") or {}).items())
        seen = recipe.get("inputs")
        if isinstance(seen, dict):
            made_of.add((seen["name"], identity(seen["recipe"])))
    for name, (_, id_) in earlier.columns.items():
        if ColumnName(name).kind not in OF_PAYLOADS or (name, id_) in made_of:
            yield name, id_


def _carried_from(store: StoreFolder, earlier: EarlierState) -> Iterator[str]:
    """Yield the fingerprints of the datasets that earlier columns and selections are about."""
    yield from (dataset for dataset, _ in earlier.columns.values())
    for name in earlier.selections:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, StoreError):
            chosen = read_earlier_selection(store, name)
            if chosen is not None:
                yield str(chosen.about["dataset"]["fingerprint"])


def _old_selections(store: StoreFolder, shown: Mapping[str, str]) -> Iterator[Unused]:
    kept = set()
    for name in shown:
        try:
            kept.add((read_earlier_selection(store, name) or read_selection(store, name)).folder)
        except (StoreError, ValueError):  # damaged: it may yet be looked at
            kept |= {store.path / SELECTIONS / name}
    for folder in _inside(store.path / SELECTIONS):
        if folder not in kept:
            yield Unused(folder, "a selection that is not shown", size_of(folder))


def _old_targets(store: StoreFolder, state: Mapping[str, Any]) -> Iterator[Unused]:
    """Targets that no shown selection matched (which one, it says only in words), nor any cell tests on."""
    abouts = []
    for name in state["selections"]:
        path = store.path / SELECTIONS / name / SELECTION
        try:
            abouts.append(files.read_record(path))
        except (OSError, ValueError):
            return
    asked = [about.get("asked") or {} for about in abouts]
    if any(
        not isinstance(one, dict) or one.get("target") or one.get("drop_leaks") for one in asked
    ):  # or damaged: it may be one
        return
    tested = _tested_on(store, state["columns"])
    for folder in _inside(store.path / TARGETS):
        if folder.name not in tested:
            yield Unused(folder, "no selection matches it, and no evaluation tests on it", size_of(folder))


def _tested_on(store: StoreFolder, shown: Mapping[str, str]) -> set[str]:
    """Return the folders of the datasets that shown evaluations test on."""
    cells = [store.path / COLUMNS / name / shown[name] for name in of_kinds(shown, EVALUATION)]
    tests = [(known_recipe(folder) or {}).get("test") for folder in cells]
    return {str(test.get("data", ""))[:16] for test in tests if isinstance(test, dict)}


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def size_of(place: Path) -> int:
    """Bytes of a file, or of all files in a folder; what vanishes meanwhile counts nothing."""
    if not place.is_dir() or place.is_symlink():
        return _size(str(place))
    return sum(_size(f"{here}/{name}") for here, _, names in os.walk(place) for name in names)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
