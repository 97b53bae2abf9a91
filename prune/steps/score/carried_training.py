"""Trainings of a dataset before it grew: which of them serve still, and for which of its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.column_name import FIRST_RUN, ColumnName
from prune.core.errors import StoreError
from prune.proxy import (
    CONTROL,
    GROWN,
    GrownPlace,
    GrownTrace,
    Proxy,
    TraceBefore,
    Training,
    grown_rows,
    share_like,
)
from prune.steps.dataset_session import Opened
from prune.steps.recovery import commands_of
from prune.steps.score.proxy_request import ProxyRequest
from prune.steps.score.traces_before import TracesBefore
from prune.store import CarriedRows, Column, undated

_CONTROL = ColumnName.trace(f"0.{CONTROL}")
_MOST = 0.5  # of the samples that may be new to a proxy before it is to be trained anew


@dataclass(frozen=True)
class CarriedRuns:
    """Proxies that were trained before the dataset grew, fold by fold of every run."""

    sets: Sequence[list[Proxy]]
    training: Training
    control: Proxy | None = None  # of the first, where one was trained

    @property
    def first(self) -> Proxy:
        """The first of all."""
        return self.sets[0][0]


class CarriedTraining:
    """The trainings of a dataset as it was, looked at to see whether they serve now."""

    def __init__(
        self, opened: Opened, inputs: Column, training: Training, request: ProxyRequest, usable: Rows
    ) -> None:
        self._opened, self._inputs, self._training = opened, inputs, training
        self._request, self._usable = request, usable
        self._traces = TracesBefore(opened, usable, self._name(0, 0), training.seed)

    def found(self) -> CarriedRuns | None:
        """Return what serves, with traces that know all samples; None where all is to be trained.

        Raises
        ------
        StoreError
            Trainings that were asked for are there, but do not serve for the dataset as it is now.
        """
        opened = self._opened
        if opened.settings.refresh or not opened.store.exists():
            return None
        shown = opened.store.columns if opened.store.holds_dataset(opened.fingerprint) else []
        if FIRST_RUN in shown:
            return self._shown()
        recipe = opened.growth.recipe_of(self._name(0, 0))
        if not self._is_asked(recipe):
            return None
        why = self._obstacle(recipe)
        if why is None:
            befores = [[self._before(run, fold) for fold in self._folds] for run in range(self._runs)]
            why = next((one for group in befores for one in group if isinstance(one, str)), None)
        if why is None:
            return self._grown([self._traces.dealt(run, group) for run, group in enumerate(befores)])  # type: ignore[arg-type]
        if opened.grown is None:
            opened.settings.reporter.say(f"{why}: trained anew on all samples")
            return None
        told = f"stale: the dataset changed, and {why}"
        raise StoreError(told, f"{self._anew}   # trains on all samples as they are now")

    # -- on a dataset that grew before -----------------------------------------------------------------------

    def _shown(self) -> CarriedRuns | None:
        store = self._opened.store
        recipe = store.recipe_of(self._name(0, 0)) or {}
        if GROWN not in recipe or not self._is_asked(recipe):
            return None
        sets = []
        for run in range(self._runs):
            names = [self._name(run, fold) for fold in self._folds]
            shown = [self._column(name) for name in names]
            if any(column is None for column in shown):
                if run and not any(shown):
                    raise StoreError(*self._too_few(run))
                self._opened.settings.reporter.say(
                    f"a part of {names[0]} is missing or damaged, and it cannot be carried over again"
                )
                return None
            sets.append([self._proxy(run, column) for column in shown if column is not None])
        asked = self._column(_CONTROL)
        control = None if asked is None or GROWN not in asked.recipe else self._proxy(0, asked)
        return CarriedRuns(sets, self._trained(recipe), control)

    def _column(self, name: str) -> Column | None:
        store = self._opened.store
        id_ = store.state["columns"].get(name)
        return None if id_ is None else store.whole_column(name, id_)

    def _proxy(self, run: int, trace: Column) -> Proxy:
        rows, recipe = grown_rows(trace), trace.recipe
        share = None if recipe.get("share") is None or rows is None else share_like(recipe["share"], *rows)
        return Proxy(run, share, carried=recipe)

    # -- on one that grew now --------------------------------------------------------------------------------

    def _grown(self, befores: list[list[TraceBefore]]) -> CarriedRuns:
        opened, training = self._opened, self._trained(befores[0][0].trace.recipe)
        settings = opened.settings
        place = GrownPlace(
            opened.store, opened.dataset, self._inputs, settings.torch_device, settings.reporter
        )
        one = befores[0][0]
        kept, new = int((one.rows >= 0).sum()), int((one.rows[self._usable] < 0).sum())
        settings.reporter.say(f"{one.trace.name}: {new:,} samples are new to it, {kept:,} kept")
        sets = []
        for run, group in enumerate(befores):
            first = run == 0 and self._request.cross_fit is None
            sets.append([GrownTrace(place, training, Proxy(run), of).write(first=first) for of in group])
        beside = opened.growth.beside(_CONTROL, one.trace.name)
        asked = self._before(0, CONTROL) if beside else ""
        if isinstance(asked, str) or not len(asked.share.watched):
            return CarriedRuns(sets, training)
        return CarriedRuns(
            sets, training, GrownTrace(place, training, Proxy(0, asked.share), asked).write(first=False)
        )

    def _before(self, run: int, fold: int | str) -> TraceBefore | str:
        """Return a trace before the dataset changed; or why it does not serve."""
        name = _CONTROL if fold == CONTROL else self._name(run, int(fold))
        if run and not self._opened.growth.beside(name, self._name(0, 0)):
            return self._too_few(run)[0]
        looks = self._request.on_fraction is None and fold != CONTROL
        return self._traces.before(name, run, looks=looks)

    def _obstacle(self, recipe: Mapping[str, Any]) -> str | None:
        """Say why no trace before serves; None where one may."""
        opened = self._opened
        state = opened.growth.earlier_of(self._name(0, 0))
        matches = None if state is None else opened.growth.matches(state[0])
        if matches is None:
            return "the sample table of the dataset before is gone"
        if matches.old.classes != matches.new.classes:
            other = sorted(set(matches.old.classes) ^ set(matches.new.classes))
            return f"the proxy knows other classes: {', '.join(other[:3])} came or went"
        if matches.old.layout != matches.new.layout or recipe["inputs"]["name"] != self._inputs.name:
            return f"the proxy looked at {recipe['inputs']['name']}"
        if undated(recipe["inputs"]["recipe"]) != undated(self._inputs.recipe):
            return f"{self._inputs.name}, which the proxy looked at, is made in another way now"
        new = int((matches.labelled_alike[self._usable] < 0).sum())
        if new > _MOST * len(self._usable):
            return f"{new:,} of {len(self._usable):,} samples are new to the proxy, which is more than half"
        return None

    def _is_asked(self, recipe: Mapping[str, Any]) -> bool:
        """Whether a proxy was trained as it is asked for now."""
        if not isinstance(recipe.get("training"), dict):
            return False
        made, asked = dict(recipe["training"]), dict(self._training.recipe)
        if self._request.stops_epochs:
            made, asked = ({k: v for k, v in of.items() if k != "stop"} for of in (made, asked))
        share = recipe.get("share") or {}
        request = self._request
        return all(made.get(name) == asked.get(name) for name in made.keys() | asked.keys()) and (
            share.get("fraction"),
            share.get("folds"),
        ) == (request.on_fraction, request.cross_fit)

    def _trained(self, recipe: Mapping[str, Any]) -> Training:
        return replace(self._training, stop=recipe["training"].get("stop"))

    def _name(self, run: int, fold: int) -> ColumnName:
        return ColumnName.trace(run if self._request.cross_fit is None else f"{run}.{fold}")

    @property
    def _folds(self) -> range:
        return range(self._request.cross_fit or 1)

    @property
    def _runs(self) -> int:
        """How many there are, where runs are added until that is enough; else as many as are asked for."""
        if not self._request.stops_runs:
            return self._request.runs
        growth, shown = self._opened.growth, self._opened.store.columns_if_any
        here = self._opened.store.holds_dataset(self._opened.fingerprint) and FIRST_RUN in shown
        names = (self._name(run, 0) for run in range(self._request.runs))
        there = [name in shown if here else growth.beside(name, self._name(0, 0)) for name in names]
        return there.index(False) if False in there else len(there)

    def _too_few(self, runs: int) -> tuple[str, str]:
        what = f"only {runs} of {self._request.runs} runs were trained before the dataset grew"
        return what, f"leave --runs out; or {self._anew}   # trains all of them on all samples"

    @property
    def _anew(self) -> str:
        return f"{commands_of(self._opened.store)(FIRST_RUN)} --refresh"


def carried_rows(opened: Opened, kind: str, proxy: Proxy) -> CarriedRows | None:
    """Return what was measured of a network before the dataset grew, of samples that stayed as they were."""
    name, growth = ColumnName.of_run(kind, proxy.name), opened.growth
    state, column = growth.earlier_of(name), growth.whole(name)
    grown = (proxy.carried or {}).get(GROWN)
    if state is None or column is None or grown is None or column.recipe.get("trace") != grown["from"]:
        return None
    matches = growth.matches(state[0])
    if matches is None or len(column) != len(matches.old):
        return None
    rows, values = matches.labelled_alike, np.asarray(column.read())
    return CarriedRows(column, np.where((rows >= 0) & np.isfinite(values[rows]), rows, -1))
