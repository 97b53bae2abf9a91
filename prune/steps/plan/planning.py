"""The making of a plan: what is tried on how many samples, and what follows for all of them."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError, PruneError, StoreError
from prune.core.progress import SILENT
from prune.readers import READERS, WRITTEN
from prune.steps.dataset_session import locate, opened
from prune.steps.expected_modality import holds_features
from prune.steps.located_reader import reader_at
from prune.steps.plan.choice_rate import choice_rate
from prune.steps.plan.cluster import Cluster, in_all
from prune.steps.plan.excerpt import DatasetFiles, Excerpt
from prune.steps.plan.machine import Machine, gpu_rate
from prune.steps.plan.request import FORECAST, PlanRequest
from prune.steps.plan.saved import save
from prune.steps.plan.step_forecast import TRAINING, Measured, scan_forecast, step_forecast
from prune.steps.plan.training_rate import step_effect
from prune.steps.plan.trial import TrialChain, full_epochs, short_epochs
from prune.steps.recipe.arguments import Caller
from prune.steps.recipe.recipe import Recipe, RecipeStep
from prune.steps.recipe.run import known_verbs
from prune.steps.settings import Settings
from prune.steps.store_place import place_store
from prune.store import Store
from prune.system.contents import is_remote
from prune.system.disk_space import free_disk
from prune.system.memory import held_memory

_FEW = 96  # samples of the first trials
_MANY = 8192  # and of the last, at most
_SECONDS = 8.0  # that the last may take, more or less
_ENOUGH, _PATIENCE = 512, 40.0  # samples that it should have, and the seconds that they may take
_READ = 256  # files that are read to learn how quick the disk is, at most
_LOOK = RecipeStep("embed", "embed", 0, {})  # a step that reads the dataset
_NO_FILE = Recipe(Path("prune.toml"), None, {}, None, {}, ())


@dataclass(frozen=True)
class Planning:
    """A plan that is being made."""

    store: Store
    asked: PlanRequest
    settings: Settings

    def plan(self, data: str | None) -> dict[str, Any]:
        """Measure, and say; see `plan`."""
        began = time.perf_counter()
        recipe = self.asked.recipe_in(known_verbs())
        caller = Caller(recipe or _NO_FILE, self.settings)
        own = self.settings if recipe is None else caller.settings_of(_LOOK)
        own = replace(own, reading={**own.reading, **self.settings.reading})
        location = self._located(data if data is not None else caller.recipe.data, own)
        reader = reader_at(location)
        place_store(self.store, reader, location["data"], self.settings.reporter)
        sources = DatasetFiles.of(reader)
        with (
            tempfile.TemporaryDirectory(prefix="prune-plan-") as folder,
            self.settings.reporter.stage("measure", 0),
            self._as_here(folder, location["data"]),
        ):
            measuring = Measuring(self.asked, caller, sources, location["reading"], Path(folder))
            measured, steps = measuring.measured(recipe)
            plan = self._told(measured, steps, sources)
        others = [] if recipe is None else [step.name for step in recipe.steps if step.verb not in FORECAST]
        plan["not_foreseen"] = others
        plan["saved"] = self._save(plan)
        return {**plan, "seconds": time.perf_counter() - began}

    def _located(self, data: str | None, settings: Settings) -> dict[str, Any]:
        """Return where the dataset lies, and how it is read."""
        try:
            return locate(self.store, data, settings)
        except StoreError as error:
            error.hint = "prune plan DATA   # name it"
            raise

    @contextlib.contextmanager
    def _as_here(self, folder: str, data: str) -> Iterator[None]:
        """Let an error of a trial speak of the store and the dataset, and not of what is tried."""
        store, tried = str(self.store.path), re.compile(rf"{re.escape(folder)}/[^/\s]+(/\.prune)?")
        try:
            yield
        except PruneError as error:
            said, error.hint = (
                tried.sub(lambda found: store if found[1] else data, text)
                for text in (str(error), error.hint)
            )
            error.args = (said,)
            raise

    def _told(self, measured: Measured, steps: Sequence[RecipeStep], sources: DatasetFiles) -> dict[str, Any]:
        asked, machine = self.asked, measured.machine
        there = sources.samples or round(sources.bytes / measured.payload)
        samples = there if asked.samples is None else round(asked.samples)
        cluster = Cluster(machine=machine, machines=asked.machines, gpus=asked.gpus, price=asked.price)
        found = [step_forecast(measured, step, samples) for step in steps]
        placed = [cluster.placed(one) for one in [scan_forecast(measured, steps[0].name, samples), *found]]
        return {
            "store": str(self.store.path),
            "samples": samples,
            "there": there,
            "counted": sources.samples is not None,
            "bytes": round(measured.payload * samples),
            "measured": {"samples": measured.many.rows, "seconds": measured.many.total},
            "machine": asdict(machine),
            "machines": asked.machines,
            "gpus": asked.gpus,
            "network": cluster.network,
            "assumed_gpu": gpu_rate() if cluster.unseen_gpu else None,
            "steps": placed,
            "in_all": in_all(placed, cluster),
            "disk_free": free_disk(self.store.path),
        }

    def _save(self, plan: Mapping[str, Any]) -> bool:
        """Keep the plan where it is one of this very dataset, on this machine."""
        here = plan["samples"] == plan["there"] and plan["machines"] == 1 and not plan["gpus"]
        if here:
            save(self.store, plan)
        return bool(here)


@dataclass(frozen=True)
class Measuring:
    """What a chain is tried with."""

    asked: PlanRequest
    caller: Caller
    sources: DatasetFiles
    reading: Mapping[str, Any]
    folder: Path

    def measured(self, recipe: Recipe | None) -> tuple[Measured, Sequence[RecipeStep]]:
        """Try the chain on few samples, then on as many as some seconds allow."""
        few = self.sources.excerpt(self.folder / "few", _FEW)
        steps = self._chain(few) if recipe is None else _foreseen(recipe)
        samples = self.sources.samples or max(1, self.sources.bytes * _FEW // max(few.bytes, 1))
        samples = samples if self.asked.samples is None else round(self.asked.samples)
        chain = TrialChain(steps, self.caller, known_verbs(), self.reading, samples)
        first = chain.run(few, self.folder / "first")  # libraries are loaded, kernels compiled
        counted = chain.run(few, self.folder / "counted", count=True)
        small = chain.run(few, self.folder / "small")
        each = max(small.total, 1e-3) / small.rows
        rows = max(round(_SECONDS / each), min(_ENOUGH, round(_PATIENCE / each)), _FEW)
        many = self.sources.excerpt(self.folder / "many", min(_MANY, rows))
        large = chain.run(many, self.folder / "large")
        given = {step.name: chain.given(step, many, self.folder, SILENT, large.rows) for step in steps}
        select = known_verbs()["select"]
        choices = {
            step.name: choice_rate(large.store, select, given[step.name], samples)
            for step in steps
            if step.verb == "select"
        }
        scored = [step for step in steps if step.verb == "score"]
        called = {step.name: self.caller.arguments(step) for step in scored}
        full = {name: full_epochs(given) for name, given in called.items()}
        epochs = {name: full[name] / short_epochs(given) for name, given in called.items()}
        trains = [
            step.name for step in scored if any(s.startswith(TRAINING) for s in large.seconds[step.name])
        ]
        files = [self.sources.reader.root / name for name in self.sources.files[:_READ]]
        return Measured(
            first=first,
            few=small,
            many=large,
            counted=counted,
            choices=choices,
            epochs=epochs,
            full=full,
            proxies={name: _proxies(given) for name, given in called.items()},
            steps={name: step_effect(large.store, self.device, samples) for name in trains},
            machine=Machine.measured(
                [] if is_remote(self.sources.reader.root) else files, device=self.device
            ),
            base=held_memory(),
            payload=many.bytes / len(large.store.dataset),
        ), steps

    @property
    def device(self) -> str:
        """What torch computes on."""
        return self.caller.settings.torch_device

    def _chain(self, few: Excerpt) -> Sequence[RecipeStep]:
        """Return the chain that options name; what they leave open, the samples decide."""
        reader = self.sources.reader
        chain = TrialChain((), self.caller, {}, self.reading, 0)
        settings = chain.settings(self.caller.settings, few, SILENT)
        with opened(Store(self.folder / "look"), str(few.path), settings) as ready:
            learns = not holds_features(reader) and bool((ready.dataset.labels >= 0).any())
        form = {**READERS, **WRITTEN}[reader.format]
        usual = (form.exported_texts if reader.modality == "text" else None) or form.exported
        return self.asked.chain(learns=learns, form=usual)


def _proxies(given: Mapping[str, Any]) -> int:
    """Return how many proxies `score` trains that do not wait for each other."""
    runs = 1 if given.get("until_stable") else given.get("runs") or 1
    return int(runs) * int(given.get("cross_fit") or 1)


def _foreseen(recipe: Recipe) -> Sequence[RecipeStep]:
    """Return the steps of a file that a plan knows.

    Raises
    ------
    OptionError
        There are none.
    """
    steps = [step for step in recipe.steps if step.verb in FORECAST]
    if not steps:
        raise OptionError(
            f"{recipe.file} has no step that a plan knows", f"[{FORECAST[0]}] in it, or [score]"
        )
    return steps
