"""What a step of a recipe would do, and what of its cost is known before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.column_name import FIRST_RUN, ColumnName, runs_among
from prune.core.option_words import whole_path
from prune.core.safe_text import counted, duration, size
from prune.encoders import PRECOMPUTED
from prune.modalities import MODALITIES
from prune.steps.recipe.arguments import Caller
from prune.steps.recipe.keys import Verb
from prune.steps.recipe.recipe import RecipeStep
from prune.store import Store
from prune.store.layout import LOCATION
from prune.system import files

_MAKES_COLUMNS = ("embed", "score")


@dataclass(frozen=True)
class Foreseen:
    """Whether a step would run, and what is known of it."""

    verb: str
    runs: bool
    known: str  # of its cost, in words

    def to_json(self) -> dict[str, Any]:
        """Return it as `run` shows a step."""
        status = "would run" if self.runs else "would stand"
        return {"status": status, "known": self.known if self.runs else "nothing to do"}


def foreseen(
    step: RecipeStep, caller: Caller, store: Store, verbs: Mapping[str, Verb], before: Sequence[Foreseen]
) -> Foreseen:
    """Look at what the store has, and ask the verbs that can tell; nothing is computed."""
    given = caller.arguments(step)
    waits = next((one.verb for one in before if one.runs and _decides(one.verb, step, given)), None)
    if step.verb in _MAKES_COLUMNS:
        stands = waits is None and _is_there(step.verb, given, store)
        return Foreseen(step.verb, runs=not stands, known=_took(step.verb, store))
    if step.verb == "check":
        return Foreseen(step.verb, runs=True, known="looks, and makes nothing")
    if step.verb in {"export", "report"}:
        there = Path(given["out"]).exists()
        known = (
            f"{given['out']} is there: kept where it would be the same" if there else f"makes {given['out']}"
        )
        return Foreseen(step.verb, runs=True, known=known)
    if waits is not None:
        return Foreseen(step.verb, runs=True, known=f"its cost is known when {waits} has run")
    found = verbs[step.verb](store, **given, dry_run=True)
    if step.verb == "select":
        return Foreseen(step.verb, runs=not found["unchanged"], known=_plan(found["plan"]))
    expected = found["expected"]
    known = f"{counted(expected['cells'], 'training')}, about {duration(expected['seconds'])}"
    return Foreseen(
        step.verb, runs=bool(expected["cells"]), known=known if expected["cells"] else "all trained"
    )


def _decides(verb: str, step: RecipeStep, given: Mapping[str, Any]) -> bool:
    """Whether a step may turn out otherwise once another verb has run."""
    if verb == "evaluate":
        return step.verb == "select" and given.get("method") == "auto"
    return verb in (*_MAKES_COLUMNS, "select")


def _is_there(verb: str, given: Mapping[str, Any], store: Store) -> bool:
    """Whether the store shows the columns that a step makes, of this dataset and a training as asked for.

    It goes by names; whether every byte of the data is as it was, the verb itself looks when it runs.
    """
    if not store.exists() or not _of_data(given["data"], store):
        return False
    if verb == "embed":
        named = PRECOMPUTED if given.get("features") else given.get("encoder")
        usual = (MODALITIES[store.dataset.modality].encoder, PRECOMPUTED)  # this of data that are features
        return any(ColumnName.embedding(one) in store.columns for one in ([named] if named else usual))
    if given.get("imports"):
        return False
    return _is_trained(given, store) and all(
        ColumnName.score(name) in store.columns for name in given["types"]
    )


def _is_trained(given: Mapping[str, Any], store: Store) -> bool:
    """Whether the proxies of a store were trained as is asked for, be they those of folds."""
    recipe = store.recipe_of(FIRST_RUN) or {}
    if "folds" in recipe:
        recipe = store.recipe_of(ColumnName.trace("0.0")) or {}
    share = recipe.get("share") or {}
    there = {
        **recipe.get("training", {}),
        "cross_fit": share.get("folds"),
        "on_fraction": share.get("fraction"),
        "runs": len(runs_among(store.columns)),
    }
    shares = {name: given.get(name) for name in ("cross_fit", "on_fraction", "runs")}
    asked = {k: v for k, v in {**given.get("training", {}), **shares}.items() if v not in (None, "own")}
    return all(str(there.get(name)) == str(value) for name, value in asked.items())


def _of_data(data: str | None, store: Store) -> bool:
    if data is None:
        return True
    try:
        known = files.read_record(store.path / LOCATION)["data"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(known == whole_path(data))


def _took(verb: str, store: Store) -> str:
    total = store.timings.get(verb, {}).get("total")
    return "its cost is not known yet" if total is None else f"took {duration(total)} when it ran last"


def _plan(plan: Mapping[str, Any] | None) -> str:
    if plan is None:
        return "seconds: a pass over numbers"
    return f"{plan['mode']}, needs {size(plan['bytes'])}, {plan['time']}"
