"""Check: a selection against conditions, in their order, for a pipeline to stop on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from prune.core.errors import GateError
from prune.core.progress import EachOnce
from prune.steps.check.against_random import against_random
from prune.steps.check.conditions import CheckedSelection, Outcome, churn, class_shift, no_leak, per_class
from prune.steps.check.copies import copies
from prune.steps.check.doubts import doubts
from prune.steps.check.request import CheckRequest
from prune.steps.dataset_session import known_dataset
from prune.steps.keywords import named
from prune.steps.recovery import advised
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
    """Look whether a selection meets conditions; all are looked at, whichever fails.

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
        value, limit, passed, detail and, where it is about some samples, listed), advice (what to type for
        the first that failed), exit_code (0, or 5 where one failed), seconds.

    Raises
    ------
    OptionError
        No condition, or a limit that makes no sense.
    StoreError
        There is no such selection, or the dataset changed since.
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
    look = _CONDITIONS | {"min_delta": partial(against_random, probe=request.probe)}
    outcomes = [look[name](about, limit) for name in request.asked for limit in request.limits(name)]
    passed = all(outcome.passed for outcome in outcomes)
    return {
        "store": str(store.path),
        "selection": stored.name,
        "k": len(about.rows),
        "n": len(dataset),
        "usable": stored.about.get("usable", len(dataset)),  # what a fraction is a fraction of
        "held_out": len(dataset.held_out),
        "passed": passed,
        "conditions": [outcome.described for outcome in outcomes],
        "advice": _advice(outcomes),
        "exit_code": 0 if passed else GateError.exit_code,
        "seconds": time.perf_counter() - began,
    }


def _advice(outcomes: Sequence[Outcome]) -> str:
    """Return what to type for the first condition that failed, and has such."""
    return next((outcome.advice for outcome in outcomes if not outcome.passed and outcome.advice), "")
