"""Recovery: for a part of a store, the command that makes it again."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prune.core.column_name import (
    EMBEDDING,
    EVALUATION,
    FIRST_RUN,
    NEIGHBOURS,
    OF_PAYLOADS,
    RESULTS,
    TRACE,
    ColumnName,
    is_trained,
    of_kinds,
    runs_among,
    scores_among,
)
from prune.core.errors import DamagedError, StoreError
from prune.core.option_words import option_words
from prune.core.store_option import in_store
from prune.steps.command_line import command_line
from prune.steps.settings import DEFAULTS
from prune.store import Store
from prune.store.hints import writer_of
from prune.store.layout import (
    COLUMN,
    COLUMNS,
    DATASETS,
    LOCATION,
    RECIPE,
    SELECTION,
    SELECTIONS,
    TARGETS,
    removal,
)
from prune.system import files

Asked = ParamSpec("Asked")
Done = TypeVar("Done")

_LOOKS_AT_TARGETS = re.compile(r" --(target|drop-leaks) ")
_OWN = "run your training with prune.trace.TraceWriter again"


def commands_of(store: Store) -> Callable[[str], str]:
    """Return what says which command makes a column, `selections/NAME`, `datasets` or a target again.

    It is the command that was typed, where the store remembers it; else the nearest that is known of it; of
    a target (`targets/FOLDER`) all that may have looked at it. The dataset is not in it, because the store
    knows where that is.
    """
    known = store.commands

    def command(what: str) -> str:
        if (what in RESULTS or ColumnName(what).kind == TRACE) and _is_own(store):
            return _OWN
        if what.startswith(f"{TARGETS}/"):
            return _targeting(store, what.removeprefix(f"{TARGETS}/"))
        if ColumnName(what).kind == NEIGHBOURS:
            words = "prune gc"  # whatever needs them finds them again; what needed them may be there already
        elif what == DATASETS:
            makers = sorted(words for words in known.values() if not words.startswith("prune select "))
            words = makers[0] if makers else "prune score --type el2n"
        else:
            words = known.get(what) or _guessed(store, what)
        return in_store(words, str(store.path))

    return command


def advised(verb: Callable[Asked, Done]) -> Callable[Asked, Done]:
    """Let a verb name the command that makes again what it found missing or damaged in a store."""

    @functools.wraps(verb)
    def run(*args: Asked.args, **kwargs: Asked.kwargs) -> Done:
        try:
            return verb(*args, **kwargs)
        except DamagedError as error:
            error.hint = command_for(error)
            raise

    return run


def command_for(error: DamagedError) -> str:
    """Return the command that makes again what is missing or damaged."""
    place, what = error.store, error.what
    if place.parent.name == TARGETS:  # the store of a target lies in that of the pool
        place, what = place.parent.parent, f"{TARGETS}/{place.name}"
    store = Store(place)
    command = commands_of(store)(what)
    if what == DATASETS and not (place / LOCATION).is_file():
        command = f"{command} DATA"
    return command


def _targeting(store: Store, folder: str) -> str:
    """Return the commands that look at a target again; by which selections, its store does not know."""
    known = store.commands
    tested = {
        known[name]
        for name in of_kinds(_shown(store), EVALUATION)
        if name in known and str(_recipe(store, name).get("test", {}).get("data"))[:16] == folder
    }
    words = sorted(tested) or sorted({w for w in known.values() if _LOOKS_AT_TARGETS.search(w)})
    if words:
        return " && ".join(in_store(one, str(store.path)) for one in words)
    return f"{removal(store.path / TARGETS / folder)}   # it is made again when it is needed"


def _guessed(store: Store, what: str) -> str:
    kind, _, name = what.partition("/")
    if kind == SELECTIONS:
        return _selecting(store, name)
    column = ColumnName(what).whole  # a companion, as `score.el2n.std`, comes with its score
    training, scores = _training(store), _learnt(store)
    if training and (
        is_trained(column) or column.kind in OF_PAYLOADS or (column.is_score and column.of in scores)
    ):
        return command_line("score", {"types": scores or "el2n", **training}, DEFAULTS)
    about = _recipe(store, column)
    if about.get("method") == "import":
        words = option_words({"types": column.of, "high": about.get("high")})
        return shlex.join(["prune", "score", "--import", "FILE", *words])
    return writer_of(column).partition("   #")[0]


def _training(store: Store) -> dict[str, Any]:
    """Return how the runs were trained, as parameters of `score`; nothing where that is not known."""
    recipe = _recipe(store, FIRST_RUN)
    training, inputs = recipe.get("training"), recipe.get("inputs")
    if not isinstance(training, dict) or not isinstance(inputs, dict):
        return {}
    runs, looked_at = len(runs_among(_shown(store))), ColumnName(inputs.get("name"))
    on = looked_at.of if looked_at.kind == EMBEDDING else None
    return {"training": training, "seed": training.get("seed"), "runs": runs if runs > 1 else None, "on": on}


def _learnt(store: Store) -> list[str]:
    """Return the scores that the store shows and that come of a training."""
    columns = scores_among(_shown(store))
    return sorted(name.of for name in columns if any(map(is_trained, _recipe(store, name).get("from", {}))))


def _recipe(store: Store, column: str) -> dict[str, Any]:
    return _record(store.path / COLUMNS / column / _shown(store).get(column, "none") / RECIPE)


def _shown(store: Store) -> dict[str, str]:
    try:
        columns: dict[str, str] = store.state["columns"]
    except StoreError:
        return {}
    return columns


def _selecting(store: Store, name: str) -> str:
    about = _record(store.path / SELECTIONS / name / SELECTION)
    asked = about.get("asked")
    known = asked if isinstance(asked, dict) else {}
    made = {"name": name, "method": about.get("method", "kcenter"), "seed": about.get("seed")}
    return command_line("select", {**made, **known}, DEFAULTS)


def _is_own(store: Store) -> bool:
    """Whether the trace that the store shows comes from the user's own training."""
    home = store.path / COLUMNS / FIRST_RUN
    files = [path for path in sorted(home.glob("*/*.json")) if path.name in {RECIPE, COLUMN}]
    records = (_record(path) for path in files)
    recipes = (record.get("recipe", record) for record in records)
    return any(isinstance(recipe, dict) and recipe.get("source") == "own" for recipe in recipes)


def _record(path: Any) -> dict[str, Any]:
    try:
        return files.read_record(path)
    except (OSError, ValueError):
        return {}
