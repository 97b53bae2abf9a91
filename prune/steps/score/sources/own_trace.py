"""The trace of a user's own training, found again when scores are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from prune.core.column_name import (
    FEATURES,
    OF_A_RUN,
    PROBS,
    RESULTS,
    TRACE,
    ColumnName,
    is_trained,
)
from prune.core.errors import MissingColumnError, OptionError
from prune.core.method_rows import Scorer
from prune.proxy import FACTS, NETWORK_NEEDS
from prune.store import Column, Store
from prune.store.column_json import known_recipe
from prune.store.layout import COLUMNS

SOURCES = ("own", "checkpoint")  # `source` in the recipe of a trace that no proxy wrote
_COLUMNS = {
    **{need: (column.kind, "the network") for need, column in NETWORK_NEEDS.items()},
    "probs": (PROBS, "predictions after the last epoch"),
    "features": (FEATURES, "features"),
}


@dataclass(frozen=True)
class OwnTrace:
    """Columns of one or several trainings that no proxy made."""

    columns: Mapping[str, str]  # name -> identity: trace.0, trace.1, …, and what belongs to them
    traces: tuple[Column, ...]

    @property
    def runs(self) -> int:
        """How many trainings."""
        return len(self.traces)

    @property
    def epochs(self) -> int:
        """Of the shortest."""
        return min(len(trace) for trace in self.traces)

    @property
    def partial(self) -> dict[int, str]:
        """Rows that `TraceWriter(…, partial=True)` was allowed to leave out, with the reason."""
        return self.rejects if self.traces[0].recipe["source"] == "own" else {}

    @property
    def rejects(self) -> dict[int, str]:
        """Rows that some epoch lacks, with the reason."""
        rejects: dict[int, str] = {}
        for trace in self.traces:
            rejects |= trace.rejects
        return rejects

    def __str__(self) -> str:
        if self.traces[0].recipe["source"] == "checkpoint":
            return "your model's checkpoint"
        several = f", {self.runs} runs" if self.runs > 1 else ""
        return f"your own training ({self.epochs} epoch{'s' * (self.epochs != 1)}{several})"


def own_traces(store: Store) -> OwnTrace | None:
    """Return what the store shows of the user's own training; None where a proxy was trained, or nothing."""
    return own_of(store, store.state["columns"]) if store.exists() else None


def own_of(store: Store, shown: Mapping[str, str]) -> OwnTrace | None:
    """Return what belongs to the user's own training among some columns, name -> identity."""
    traces: list[Column] = []
    while (name := ColumnName.trace(len(traces))) in shown:
        recipe = known_recipe(store.path / COLUMNS / name / shown[name])
        if recipe is None or recipe.get("source") not in SOURCES:
            break  # a proxy's, which trains what is damaged again; or nobody knows whose
        column = store.open_column(name, shown[name])
        source = column.recipe.get("source")
        if traces and source != traces[0].recipe["source"]:
            break
        traces.append(column)
    if not traces:
        return None
    named = {ColumnName.of_run(kind, run): run for run in range(len(traces)) for kind in OF_A_RUN}
    own: dict[str, str] = {name: shown[name] for name in named if name.kind == TRACE}
    for name, run in (named | dict.fromkeys(RESULTS, 0)).items():
        if name in shown and name not in own:
            of = store.open_column(name, shown[name]).recipe.get("trace")
            own |= {name: shown[name]} if of == own[ColumnName.trace(run)] else {}
    return OwnTrace(own, tuple(traces))


def hidden(store: Store, run: int) -> set[str]:
    """Return columns that no longer belong to what is shown, once run `run` of a training is published.

    Those of proxies and of this run; and for run 0 the features and probabilities.
    """
    own, kept = own_traces(store), set[str]()
    if own is not None:
        kept = {name for name in own.columns if ColumnName(name).of != str(run)}
        kept -= set(RESULTS) if run == 0 else set()
    return {name for name in store.columns_if_any if is_trained(name)} - kept


def require_epochs(scorers: Mapping[str, Scorer], epochs: int, what: str, instead: str) -> None:
    """Raise OptionError where a score compares epochs and there is one only; `instead` has several."""
    several = [name for name, scorer in scorers.items() if scorer.compares_epochs]
    if several and epochs == 1:
        raise OptionError(
            f"{', '.join(several)} compares epochs, and {what} has one",
            f"{instead}; prune.trace.TraceWriter keeps every epoch of your training",
        )


def require_alike(own: OwnTrace, asked: Mapping[str, tuple[Scorer, Mapping[str, Any]]]) -> None:
    """Raise OptionError where runs of unequal length would be averaged without a word on which epochs.

    A count over ten epochs and one over five have no mean that says anything, and the last epochs of the two
    stand for different moments.
    """
    lengths = [len(trace) for trace in own.traces]
    if len(set(lengths)) == 1:
        return
    of_trace = {*FACTS, "right"}
    loose = {
        name: next(option for option in ("last", "epoch") if option in method.options)
        for name, (method, options) in asked.items()
        if set(method.needs) & of_trace and options.get("last") is None and options.get("epoch") is None
    }
    if loose:
        some = f"{', '.join(map(str, lengths[:-1]))} and {lengths[-1]}"
        words = " ".join(f"--set {option}={min(lengths)}" for option in dict.fromkeys(loose.values()))
        raise OptionError(
            f"the runs of your own training have {some} epochs: no mean of their {', '.join(loose)}",
            f"prune score --type {','.join(asked)} {words}   # looks at epochs that all runs have",
        )


def require_supplied(needs: Collection[str], own: OwnTrace, instead: str) -> None:
    """Raise MissingColumnError where a score needs what a trace of one's own came without."""
    for need in sorted(set(needs) & _COLUMNS.keys()):
        column, what = _COLUMNS[need]
        wanted = [column]
        if column in OF_A_RUN:
            wanted = [ColumnName.of_run(column, run) for run in range(own.runs)]
        if not all(name in own.columns for name in wanted):
            raise MissingColumnError(
                f"{column} needs {what}, and {own} has left none",
                f"prune score --checkpoint FILE --model module:factory, or {instead}",
            )
