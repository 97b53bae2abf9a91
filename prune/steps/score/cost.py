"""What scores took and what more of them would take: seconds, those of earlier commands included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prune.core.column_name import TRACE, ColumnName
from prune.proxy import CONTROL, training_cost
from prune.steps.score.proxy_runs import TrainedRuns
from prune.store import Store


def cost_of(
    store: Store,
    trained: TrainedRuns | None,
    seconds: Mapping[str, float],
    before: float,
    device: str,
) -> dict[str, Any]:
    """Return the cost of a command's scores, and of the next.

    Parameters
    ----------
    trained
        What the scores are taken from; None: no proxy was needed.
    seconds
        Score to the time that its arithmetic took.
    before
        `spent` when the command began.

    Returns
    -------
    dict
        device; proxy: runs, epochs, seconds of training over all commands (null if an earlier version trained
        it), now: those of this one; networks: the same of gradient norms and boundaries; scores: seconds of
        each; next: run and score, seconds that another one of each would take.
    """
    about: dict[str, Any] = {"device": device, "scores": dict(seconds)}
    if trained is None:
        return about
    traces = [(name, id_) for name, id_ in trained.columns.items() if _is_trained(store, name, id_)]
    proxy = training_cost(store, traces)
    networks = [trained.columns[name] for name in trained.measured]
    costs = store.costs
    measured = sum(costs[id_] for id_ in networks) if costs.keys() >= set(networks) else None
    whole = None if proxy is None or measured is None else proxy + measured
    return about | {
        "proxy": {
            "runs": trained.runs,
            "epochs": trained.training.last,
            "seconds": proxy,
            "networks": measured,
            "now": spent(store) - before,
        },
        "next": {
            "run": None if whole is None else whole / trained.runs,
            "score": sum(seconds.values()) / len(seconds) if seconds else None,
        },
    }


def spent(store: Store) -> float:
    """Return all the seconds that went into proxies so far."""
    return _total(store.costs.values())


def _total(values: Iterable[float]) -> float:
    return float(sum(values))


def _is_trained(store: Store, name: str, identity: str) -> bool:
    """Whether a column is the trace of one proxy: not one that folds were joined to, and no control."""
    column = ColumnName(name)
    return (
        column.kind == TRACE
        and column.part != CONTROL
        and "training" in store.open_column(name, identity).recipe
    )
