"""A trial: the verbs of a chain on an excerpt, in a store of its own, with the time of every stage."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.core.progress import SILENT, Advance, Reporter
from prune.scorers import SCORERS
from prune.steps.plan.excerpt import Excerpt
from prune.steps.recipe.arguments import READS_DATA, Caller
from prune.steps.recipe.keys import Verb
from prune.steps.recipe.recipe import RecipeStep
from prune.steps.settings import Settings
from prune.store import Store
from prune.store.layout import COLUMNS
from prune.store.unused import size_of

REST = "rest"  # of a step: what no stage has
SCAN = "scan"


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """The bytes of what a step left: what is there once, however many samples there are, and the others."""

    grown: int
    once: int = 0
    weights: int = 0  # of a network, after each of so many epochs
    kept: int = 0

    @classmethod
    def of(cls, column: Path) -> Footprint:
        """Look at the files of a column."""
        sizes = {path.name: path.stat().st_size for path in column.rglob("*") if path.is_file()}
        weights = [of for name, of in sizes.items() if name.startswith("weights-")]
        grown = sum(of for name, of in sizes.items() if name.startswith(("part-", "rejects-")))
        once = sum(sizes.values()) - grown - sum(weights)
        return cls(grown=grown, once=once, weights=sum(weights), kept=len(weights))


@dataclass
class ChainTrial:
    """What a chain took on so many samples."""

    rows: int
    store: Store
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)  # of each stage of each step
    bytes: dict[str, dict[str, Footprint]] = field(default_factory=dict)  # of what each step left
    flops: dict[str, dict[str, float]] = field(default_factory=dict)  # of each stage, where they were counted

    @property
    def total(self) -> float:
        """Seconds in all."""
        return sum(sum(stages.values()) for stages in self.seconds.values())


@dataclass(frozen=True)
class TrialChain:
    """What every trial of a chain has in common."""

    steps: Sequence[RecipeStep]
    caller: Caller
    verbs: Mapping[str, Verb]
    reading: Mapping[str, Any]  # how the dataset is read
    samples: int  # of the whole dataset

    def run(self, excerpt: Excerpt, home: Path, *, count: bool = False) -> ChainTrial:
        """Run the chain on an excerpt; `count` counts operations, which takes time of its own.

        Raises
        ------
        PruneError
            As the verbs have it: the whole chain would stop there too.
        """
        done = ChainTrial(0, Store(home / ".prune"))
        for step in self.steps:
            with _counting(enabled=count) as counter:
                given = self.given(step, excerpt, home, counter or SILENT, done.rows)
                before = set(done.store.columns) if done.store.exists() else set()
                result = self.verbs[step.verb](done.store, **given)
            done.rows = len(done.store.dataset.usable)
            spent = result["seconds"]
            spent = dict(spent["select"] if step.verb == "select" else spent)
            total = spent.pop("total", 0.0) if isinstance(spent, dict) else 0.0
            done.seconds[step.name] = {**spent, REST: max(0.0, total - sum(spent.values()))}
            done.bytes[step.name] = _left(step, done.store, before, given.get("out"))
            if counter is not None:
                done.flops[step.name] = counter.flops
        return done

    def given(
        self, step: RecipeStep, excerpt: Excerpt, home: Path, reporter: Reporter, rows: int
    ) -> dict[str, Any]:
        """Return what a verb is called with for a step, on an excerpt of so many samples."""
        given = self.caller.arguments(step)
        given["settings"] = self.settings(given["settings"], excerpt, reporter)
        if step.verb in READS_DATA:
            given["data"] = str(excerpt.path)
        if given.get("features") is not None:
            raise OptionError(
                "a plan reads features with the dataset, not from a file", "leave features out of its step"
            )
        if step.verb == "score":
            given["until_stable"] = None
            if not given.get("imports"):
                given["training"] = {**given.get("training", {}), "epochs": short_epochs(given)}
        if step.verb == "select" and given.get("count") is not None:
            given["count"] = max(1, round(given["count"] * rows / max(self.samples, rows)))
        if step.verb == "export":
            given |= {"out": str(home / step.name), "push": None}
        return given

    def settings(self, settings: Settings, excerpt: Excerpt, reporter: Reporter) -> Settings:
        """Return how a step runs on an excerpt: what is odd about single samples is no matter."""
        reading = {**self.reading, "as_": excerpt.format}
        reading.pop("split", None)  # the files of one are there
        if "labels" in reading:
            reading["labels"] = os.path.abspath(reading["labels"])  # noqa: PTH100 - as it was typed
        odd: dict[str, Any] = {"on_error": "skip", "max_bad": 1.0, "refresh": False}
        return replace(settings, reading=reading, reporter=reporter, **odd)


def full_epochs(given: Mapping[str, Any]) -> int:
    """Return the epochs that `score` trains for, as it was called."""
    from prune.proxy import Training

    epochs = (given.get("training") or {}).get("epochs")
    return Training().epochs if epochs is None else int(epochs)


def short_epochs(given: Mapping[str, Any]) -> int:
    """Return the fewest epochs that all scores can be taken of."""
    rows = [SCORERS[name] for name in given.get("types", ()) if name in SCORERS]
    return min(full_epochs(given), max((row.least_epochs for row in rows), default=1))


def _left(step: RecipeStep, store: Store, before: set[str], out: str | None) -> dict[str, Footprint]:
    """Return what a step left, by name."""
    if step.verb == "export":
        return {"out": Footprint(grown=0 if out is None else size_of(Path(out)))}
    if step.verb == "select":
        name = store.state["latest"]
        return {name: Footprint(grown=size_of(store.path / "selections" / name))}
    made = [name for name in store.columns if name not in before]
    return {name: Footprint.of(store.path / COLUMNS / name) for name in made}


class CountedStages:
    """A reporter that knows how many operations torch did in each stage."""

    def __init__(self, counter: Any) -> None:
        self._counter = counter
        self.flops: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:  # noqa: ARG002
        """Count what is done until it ends."""
        before = self._counter.get_total_flops()
        yield lambda done: None  # noqa: ARG005
        self.flops[what] = self.flops.get(what, 0.0) + self._counter.get_total_flops() - before

    def say(self, message: str) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _counting(*, enabled: bool) -> Iterator[CountedStages | None]:
    if not enabled:
        yield None
        return
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        yield CountedStages(counter)
