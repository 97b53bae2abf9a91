"""From something in a store to the command that makes it again."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from prune import files
from prune.store import Store
from prune.store.layout import COLUMN, COLUMNS, DATASETS, RECIPE, SELECTION, SELECTIONS, TARGETS
from prune.store.store import writer_of
from prune.typed import in_store

_OWN = "run your training with prune.trace.TraceWriter again"
_OF_TRAINING = ("trace.", "probs", "embedding.proxy")


def commands_of(store: Store) -> Callable[[str], str]:
    """Return what says which command makes a column, `selections/NAME`, `datasets` or `targets` again.

    It is the command that was typed, where the store remembers it; else the nearest that is known of it. The
    dataset is not in it, because the store knows where that is.
    """
    known = store.commands

    def command(what: str) -> str:
        if what.startswith(_OF_TRAINING) and _is_own(store):
            return _OWN
        if what == DATASETS:
            makers = sorted(words for words in known.values() if not words.startswith("prune select "))
            words = makers[0] if makers else "prune score --type el2n"
        elif what == TARGETS:
            words = next(
                (w for w in sorted(known.values()) if " --target " in w), "prune select --target DATA"
            )
        else:
            words = known.get(what) or _guessed(store, what)
        return in_store(words, str(store.path))

    return command


def _guessed(store: Store, what: str) -> str:
    kind, _, name = what.partition("/")
    if kind == SELECTIONS:
        return _selecting(store, name)
    column = ".".join(what.split(".")[:2])  # a companion, as `score.el2n.std`, comes with its score
    return writer_of(column).partition("   #")[0].removesuffix(" DATA")


def _selecting(store: Store, name: str) -> str:
    about = _record(store.path / SELECTIONS / name / SELECTION)
    asked = about.get("asked")
    words = ["prune", "select", "--name", name, "--method", str(about.get("method", "kcenter"))]
    for option in ("fraction", "count", "score", "quota", "on"):
        if isinstance(asked, dict) and option in asked:
            words += [f"--{option}", str(asked[option])]
    return shlex.join(words)


def _is_own(store: Store) -> bool:
    """Whether the trace that the store shows comes from the user's own training."""
    home = store.path / COLUMNS / "trace.0"
    found = [path for path in sorted(home.glob("*/*.json")) if path.name in {RECIPE, COLUMN}]
    recipes = (_record(path) for path in found)
    return any((recipe.get("recipe") or recipe).get("source") == "own" for recipe in recipes)


def _record(path: Any) -> dict[str, Any]:
    try:
        return files.read_record(path)
    except (OSError, ValueError):
        return {}
