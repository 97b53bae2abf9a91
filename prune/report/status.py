"""What a store holds, what is missing, how big."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from prune.errors import StoreError
from prune.store import Store, read_selection


def status(store: Store) -> dict[str, Any]:
    """Describe a store, reading descriptions only.

    Raises
    ------
    StoreError
        There is no store, or it is damaged.
    """
    state, dataset = store.state, store.dataset
    columns = {name: store.open_column(name, id_) for name, id_ in sorted(state["columns"].items())}
    selections, broken = {}, []
    for name in state["selections"]:
        try:
            selections[name] = dict(read_selection(store, name).about)
        except StoreError:
            broken.append(f"selection {name}")
    rejects = set(dataset.rejects).union(*(column.rejects for column in columns.values()))
    return {
        "store": str(store.path),
        "format": state["format"],
        "bytes": _bytes(store.path),
        "dataset": {
            "n": len(dataset),
            "classes": len(dataset.classes),
            "format": dataset.format,
            "split": dataset.split,
            "fingerprint": state["dataset"],
        },
        "rejects": len(rejects),
        "skipped_shards": dict(dataset.skipped),
        "columns": {
            name: {"shape": list(column.shape), "dtype": column.dtype.name, "bytes": column.nbytes}
            for name, column in columns.items()
        },
        "selections": {
            name: {key: about[key] for key in ("method", "k", "usable", "asked", "seed")}
            for name, about in selections.items()
        },
        "latest": state.get("latest"),
        "unfinished": store.unfinished + broken,
        "missing": _missing(store),
    }


def _missing(store: Store) -> list[str]:
    names = store.columns
    missing = []
    if not any(name.startswith("embedding.") for name in names):
        missing.append("an embedding   # prune embed, or prune score --type el2n")
    if not any(name.startswith("score.") for name in names):
        missing.append("scores   # prune score --type el2n")
    if not store.state["selections"]:
        missing.append("a selection   # prune select --method kcenter --fraction 0.3")
    return missing


def _bytes(folder: Path) -> int:
    size = 0
    for here, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a writer may be at work
                size += os.lstat(f"{here}/{name}").st_size
    return size
