"""Check: a selection against conditions, in their order, for a pipeline to stop on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from prune.core.errors import DamagedError, DataError, GateError, MissingColumnError, OptionError, StoreError
from prune.core.progress import EachOnce
from prune.core.store_option import in_store
from prune.steps.check.against_random import against_random
from prune.steps.check.conditions import CheckedSelection, Outcome, churn, class_shift, no_leak, per_class
from prune.steps.check.copies import copies
from prune.steps.check.doubts import doubts
from prune.steps.check.request import CheckRequest
from prune.steps.dataset_session import known_dataset
from prune.steps.keywords import named
from prune.steps.recovery import advised, command_for
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store, read_selection
from prune.store.selections import outdated_by

_CONDITIONS: dict[str, Callable[[CheckedSelection, Any], Outcome]] = {
    "min_per_class": per_class,
    "max_class_shift": class_shift,
    "max_duplicates": copies,
    "no_leak": no_leak,
    "max_suspects": doubts,
    "churn": churn,
}


@named
@advised
def check(  # noqa: PLR0913 - a condition each
    store: Store | str | Path = ".prune",
    *,
    selection: str | None = None,
    min_delta: float | None = None,
    min_per_class: int | None = None,
    max_class_shift: float | None = None,
    max_duplicates: float | None = None,
    no_leak: str | Sequence[str] = (),
    max_suspects: float | None = None,
    churn: tuple[str, float] | None = None,
    probe: bool = False,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Look whether a selection meets conditions; all are looked at, whichever fails or cannot be.

    Parameters
    ----------
    store, selection
        Where the selection is, and its name; default: the latest.
    min_delta, probe
        Points of accuracy against random sets of the same size, by the lower end of the interval, from
        evaluations with at least five; whether one by a linear probe counts.
    min_per_class
        Kept samples of every class that the dataset has.
    max_class_shift
        Share of the kept samples that would be of other classes, were the shares of classes as in the
        dataset (total variation).
    max_duplicates
        Share of the kept samples that are copies of kept ones before them: equal, re-encoded, resized.
    no_leak
        Held-out datasets, of which no kept sample may be one, or a copy of one.
    max_suspects
        Share (below 1) or number of kept labels in doubt.
    churn
        An earlier selection (a name, or a file of keys), and the share of the larger of both that may differ.

    Returns
    -------
    dict
        selection, k, n, usable, held_out (how many), passed, conditions (of each its condition,
        value, limit, passed, detail, exit_code, advice where it does not pass, and, where it is about some
        samples, listed), advice (that of the first which does not pass), exit_code (0; 5 where one failed,
        else that of the first which could not be looked at), seconds.

    Raises
    ------
    OptionError
        No condition, or a limit that makes no sense.
    StoreError
        There is no such selection, or the dataset changed since. What keeps only one condition from being
        looked at, such as held-out data that cannot be read, stands in its line instead.
    """
    given = {
        "min_delta": min_delta,
        "probe": probe,
        "min_per_class": min_per_class,
        "max_class_shift": max_class_shift,
        "max_duplicates": max_duplicates,
        "no_leak": no_leak,
        "max_suspects": max_suspects,
        "churn": churn,
    }
    request = CheckRequest.of(given)
    request.require_some()
    held = store if isinstance(store, Store) else Store(store)
    return checked(held, selection, request, settings)


def checked(store: Store, selection: str | None, request: CheckRequest, settings: Settings) -> dict[str, Any]:
    """Look at the conditions of a request; see `check`."""
    began = time.perf_counter()
    settings = replace(settings, reporter=EachOnce(settings.reporter))  # conditions open the same data
    dataset = known_dataset(store, settings, "checking by the store alone")
    stored = read_selection(store, selection)
    if (column := outdated_by(store, stored)) is not None:
        settings.reporter.say(f"{column} was made again since {stored.name} was chosen by it: {stored.again}")
    about = CheckedSelection(store, dataset, stored, settings)
    outcomes = [
        _outcome(about, name, limit, request) for name in request.asked for limit in request.limits(name)
    ]
    codes = [outcome.exit_code for outcome in outcomes]
    return {
        "store": str(store.path),
        "selection": stored.name,
        "k": len(about.rows),
        "n": len(dataset),
        "usable": stored.about.get("usable", len(dataset)),  # what a fraction is a fraction of
        "held_out": len(dataset.held_out),
        "passed": not any(codes),
        "conditions": [outcome.described for outcome in outcomes],
        "advice": _advice(outcomes),
        "exit_code": GateError.exit_code if GateError.exit_code in codes else next(filter(None, codes), 0),
        "seconds": time.perf_counter() - began,
    }


def _outcome(about: CheckedSelection, name: str, limit: Any, request: CheckRequest) -> Outcome:
    """Look at one condition. What keeps it from being looked at keeps no other one from it.

    Where what it is measured by is not in the store, it fails, as nothing shows that it holds.
    """
    look = _CONDITIONS | {"min_delta": partial(against_random, probe=request.probe)}
    try:
        return look[name](about, limit)
    except (OptionError, DataError, StoreError) as error:
        hint = command_for(error) if isinstance(error, DamagedError) else error.hint
        named_store = not hint.startswith("prune ") or " --store " in hint
        condition, most = request.titled(name, limit)
        return Outcome(
            condition=condition,
            value=None,
            limit=most,
            passed=False,
            detail=str(error),
            advice=hint if named_store else in_store(hint, str(about.store.path)),
            refused=None if isinstance(error, MissingColumnError) else error.exit_code,
        )


def _advice(outcomes: Sequence[Outcome]) -> str:
    """Return what to type for the first condition that does not pass, and has such."""
    return next((outcome.advice for outcome in outcomes if not outcome.passed and outcome.advice), "")


def unmet(result: Mapping[str, Any]) -> str:
    """Say which conditions a checked selection does not meet, and which nobody could look at."""
    conditions = result["conditions"]
    failed = [one["condition"] for one in conditions if one["exit_code"] == GateError.exit_code]
    unseen = [one["condition"] for one in conditions if one["exit_code"] not in {0, GateError.exit_code}]
    told = [f"does not meet {', '.join(failed)}"] if failed else []
    if unseen:
        first = next(one["detail"] for one in conditions if one["condition"] == unseen[0])
        told.append(f"cannot be checked by {', '.join(unseen)}: {first}")
    return f"selection {result['selection']} {', and '.join(told)}"
