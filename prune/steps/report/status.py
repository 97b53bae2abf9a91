"""What a store holds, what is missing, damaged, stale or not finished, and how big it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from prune.core.column_name import (
    CHOICE,
    EMBEDDING,
    EVALUATION,
    MEASURED,
    OF_EVALUATIONS,
    SCORE,
    ColumnName,
    of_kinds,
)
from prune.core.errors import StoreError
from prune.core.store_option import in_store
from prune.steps.plan.saved import beside
from prune.steps.recovery import commands_of
from prune.steps.report.training import trained
from prune.store import Column, Dataset, Store, StoredSelection, outdated_by, read_selection
from prune.store.current_writer import CurrentWriter, current_writer
from prune.store.earlier_state import EarlierState, is_told
from prune.store.layout import DATASETS, SELECTIONS, STATE, removal
from prune.store.outdated import outdated_scores
from prune.store.state import is_begun, is_store
from prune.store.unfinished import begun, unfinished
from prune.store.unused import size_of, unused

Found = TypeVar("Found")
_DAMAGED = 4


def status(store: Store) -> dict[str, Any]:
    """Describe a store, reading descriptions only; of one that is damaged, what can still be said.

    Returns
    -------
    dict
        `damaged` names what is damaged and the command that makes it again; `exit_code` is 4 then, else 0.

    Raises
    ------
    StoreError
        There is no store.
    """
    damaged: list[dict[str, str]] = []
    writer = current_writer(store.path)
    state = _state(store, damaged)
    known = commands_of(store)

    def looked(what: str, look: Callable[[], Found]) -> Found | None:
        """Return what is found, or note that it is damaged."""
        try:
            return look()
        except PermissionError:
            raise
        except (StoreError, OSError, ValueError) as error:
            damaged.append({"what": str(error), "command": known(what)})
            return None

    shown: Mapping[str, str] = state.get("columns", {})
    dataset = looked(DATASETS, lambda: store.dataset) if state.get("dataset") else None
    columns = {n: looked(n, _opener(store, n, id_)) for n, id_ in sorted(shown.items())}
    sound = {name: column for name, column in columns.items() if column is not None}
    chosen = {n: looked(f"{SELECTIONS}/{n}", _reader(store, n)) for n in state.get("selections", {})}
    rejected = [looked(name, _rejects(column)) or set() for name, column in sound.items()]
    selections = {name: selection for name, selection in chosen.items() if selection is not None}
    return {
        "store": str(store.path),
        "format": state.get("format"),
        "bytes": size_of(store.path),
        "dataset": None if dataset is None else _dataset(dataset, state["dataset"]),
        "rejects": len(set[int]().union(*rejected, () if dataset is None else dataset.rejects)),
        "skipped_shards": {} if dataset is None else dict(dataset.skipped),
        "columns": {
            name: {
                "shape": list(column.shape),
                "dtype": column.dtype.name,
                "bytes": column.nbytes,
                **(looked(name, _later(column)) or {}),
            }
            for name, column in sound.items()
            if ColumnName(name).kind not in OF_EVALUATIONS
        },
        "evaluations": _evaluations(sound),
        "trained": trained(store.recipe_of, list(shown)),
        "selections": {
            name: {key: one.about[key] for key in ("method", "k", "usable", "asked", "seed")}
            for name, one in selections.items()
        },
        "latest": state.get("latest"),
        "foreseen": beside(store),
        "stale": _stale(store, selections, known),
        "outdated": outdated_scores(store) if state else {},
        "earlier": _earlier(EarlierState.of(state), known),
        "damaged": damaged,
        **_begun(store, None if dataset is None else len(dataset), writer),
        "running": None if writer is None else writer.described(),
        "unused": _unused(store, writer) if state else 0,
        "missing": _missing(state, str(store.path)),
        "exit_code": _DAMAGED if damaged else 0,
    }


def _state(store: Store, damaged: list[dict[str, str]]) -> dict[str, Any]:
    """Return what is published; nothing where a first command did not end, or the file is damaged."""
    path = store.path / STATE
    try:
        return store.state
    except StoreError as error:
        if path.exists() and "format" in str(error):
            raise
        if path.exists():
            damaged.append({"what": str(error), "command": removal(path)})
            return {}
        if is_begun(store.path, store.commands) or current_writer(store.path) is not None:
            return {}
        if is_store(store.path):  # something was published in it
            damaged.append({"what": f"{path} is missing", "command": error.hint})
            return {}
        raise


def _opener(store: Store, name: str, identity: str) -> Callable[[], Column]:
    return lambda: store.open_column(name, identity)


def _reader(store: Store, name: str) -> Callable[[], StoredSelection]:
    return lambda: read_selection(store, name)


def _rejects(column: Column) -> Callable[[], set[int]]:
    return lambda: set(column.rejects)


def _later(column: Column) -> Callable[[], dict[str, Any]]:
    """Return how samples are scored that came after the training; nothing where there are none."""

    def look() -> dict[str, Any]:
        told = ("later", "trained_on")
        about: dict[str, Any] = {name: column.recipe[name] for name in told if name in column.recipe}
        if column.attachments(MEASURED):
            about[MEASURED] = json.loads(column.attachment(MEASURED, 0))
        return about if ColumnName(column.name).is_score else {}

    return look


def _dataset(dataset: Dataset, fingerprint: str) -> dict[str, Any]:
    return {
        "n": len(dataset),
        "classes": len(dataset.classes),
        "format": dataset.format,
        "split": dataset.split,
        "held_out": len(dataset.held_out),
        "holdout": None if dataset.holdout is None else dataset.holdout.get("holdout"),
        "fingerprint": fingerprint,
    }


def _evaluations(columns: Mapping[str, Column]) -> dict[str, Any]:
    """Return how many trainings there are, of which selections, and how many bytes they take."""
    cells = [columns[name].recipe for name in of_kinds(columns, EVALUATION)]
    held = [columns[name] for name in of_kinds(columns, *OF_EVALUATIONS)]
    return {
        "cells": len(cells),
        "selections": sorted({str(cell["set"]["spec"]) for cell in cells}),
        "choices": len(of_kinds(columns, CHOICE)),
        "bytes": sum(column.nbytes for column in held),
    }


def _stale(
    store: Store, selections: Mapping[str, StoredSelection], known: Callable[[str], str]
) -> dict[str, dict[str, str]]:
    """Return the selections that were chosen by a column which was made again since, with its name."""
    by = {name: outdated_by(store, chosen) for name, chosen in selections.items()}
    return {
        name: {"column": column, "command": known(f"{SELECTIONS}/{name}")}
        for name, column in by.items()
        if column is not None
    }


def _earlier(earlier: EarlierState, known: Callable[[str], str]) -> dict[str, str]:
    """Return what is of the dataset before it changed, with the command that goes on with each."""
    names = [name for name in sorted(earlier.columns) if is_told(name)]
    names += [f"{SELECTIONS}/{name}" for name in sorted(earlier.selections)]
    return {name: known(name) for name in names}


def _unused(store: Store, writer: CurrentWriter | None) -> int:
    """Bytes that nothing shows and no command goes on with, nor writes at this moment."""
    pieces = unused(store, None if writer is None else str(writer))
    return sum(piece.bytes for piece in pieces if not piece.unfinished)


def _begun(store: Store, n: int | None, writer: CurrentWriter | None) -> dict[str, Any]:
    """Return what did not end: the columns, how far they are, and the commands that go on with them."""
    left = unfinished(store.path, _samples(store) if n is None else n)
    running = None if writer is None else writer.verb
    return {
        "unfinished": sorted({one.name for one in left}),
        "progress": [str(one) for one in left],
        "begun": {verb: words for verb, words in begun(store.path).items() if verb != running},
    }


def _samples(store: Store) -> int | None:
    """Return the samples of the only dataset, though it is not published yet."""
    folders = sorted(Path(store.path / DATASETS).glob("*/samples-*"))
    if len(folders) != 1:
        return None
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(folders[0]).num_rows)
    except (OSError, ValueError):
        return None


def _missing(state: Mapping[str, Any], store: str) -> list[str]:
    names = state.get("columns", {})
    missing = []
    score = in_store("prune score --type el2n", store)
    if not of_kinds(names, EMBEDDING):
        missing.append(f"an embedding   # {in_store('prune embed', store)}, or {score}")
    if not of_kinds(names, SCORE):
        missing.append(f"scores   # {score}")
    if not state.get("selections"):
        missing.append(f"a selection   # {in_store('prune select --method kcenter --fraction 0.3', store)}")
    return missing
