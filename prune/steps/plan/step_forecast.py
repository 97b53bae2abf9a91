"""What each step of a chain will take, and which limit of the machine it is nearest to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prune.core.column_name import TRACE, ColumnName
from prune.core.errors import OptionError
from prune.core.safe_text import size
from prune.encoders import PRECOMPUTED
from prune.steps.plan.choice_rate import ChoiceRate
from prune.steps.plan.growth_law import StraightLine, spread
from prune.steps.plan.machine import Machine
from prune.steps.plan.trial import REST, SCAN, ChainTrial
from prune.steps.recipe.recipe import RecipeStep
from prune.store.layout import PART_ROWS

START = "start"  # what a process takes before it is as quick as it will be
TRAINING = "training"  # how the stages begin that last longer with more epochs
NEIGHBOURS = "neighbours"  # a stage of select whose work its plan has
_TABLE = 3  # times that the table of samples is held while it is made, sorted or written
_MANIFEST = 300  # bytes a sample of a selection that is written


@dataclass(frozen=True, kw_only=True)
class StepForecast:
    """One step, on all samples."""

    step: str
    verb: str
    seconds: float | None  # None: it cannot be done
    units: int = 1  # of work, each of which may run on a machine of its own
    apart: Mapping[str, int] = field(default_factory=dict)  # of each stage that has some, where not all have
    spread: float = 1.0  # the factor by which seconds may be off
    stages: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0  # bytes at the peak
    disk: int = 0  # bytes that it leaves
    read: float = 0.0  # bytes that it reads, of the dataset and of what was made of it
    flops: float = 0.0
    mode: str | None = None  # of a selection: how it goes about it
    why: str | None = None  # and why so; or why it cannot be done
    advice: str | None = None  # what to change then

    def limits(self, machine: Machine, network: float | None) -> dict[str, float]:
        """Return the seconds that each limit of a machine alone would ask for."""
        found = {
            "compute": self.flops / machine.flops,
            "memory": 2 * (self.read + self.disk) / machine.copies,
        }
        if network is not None:  # which all is read over
            found["network"] = self.read / network
        elif machine.disk is not None:
            found["read"] = self.read / machine.disk
        return found


@dataclass(frozen=True)
class Measured:
    """All that forecasts of steps go by."""

    first: ChainTrial  # which loaded libraries and compiled kernels, as every command has to
    few: ChainTrial
    many: ChainTrial
    counted: ChainTrial  # with operations
    choices: Mapping[str, ChoiceRate]  # by step
    epochs: Mapping[str, float]  # by step: how many times longer it trains than in a trial
    full: Mapping[str, int]  # by step: epochs that it trains for
    proxies: Mapping[str, int]  # by step: how many it trains that do not wait for each other
    steps: Mapping[str, float]  # by step: what a sample takes in the steps of the whole, to those of a trial
    machine: Machine
    base: int  # bytes of memory that libraries take
    payload: float  # bytes of the dataset, a sample

    def line(self, step: str, stage: str) -> StraightLine:
        """Return how the seconds of a stage grow."""
        ends = [(one.rows, one.seconds[step].get(stage, 0.0)) for one in (self.few, self.many)]
        if stage == REST and step in self.choices:  # less the choice itself, which has a rate of its own
            ends[1] = ends[1][0], max(0.0, ends[1][1] - self.choices[step].small)
            ends[0] = ends[0][0], min(ends[0][1], ends[1][1])
        return StraightLine.through(*ends)

    def bytes_of(self, step: str, samples: int) -> int:
        """Return the bytes that a step leaves."""
        total = 0.0
        for name, held in self.many.bytes[step].items():
            few = self.few.bytes[step].get(name, held)
            line = StraightLine.through((self.few.rows, few.grown), (self.many.rows, held.grown))
            longer = self.epochs.get(step, 1.0) if ColumnName(name).kind == TRACE else 1.0
            total += held.once + line.once + line.each * samples * longer
            if held.kept:
                total += kept_weights(self.full.get(step, held.kept), held.weights // held.kept)
        return round(total)

    def flops_of(self, step: str, samples: int) -> float:
        """Return the operations of a step, as torch counts them."""
        stages = self.counted.flops.get(step, {})
        return sum(of * self._factor(step, name) for name, of in stages.items()) * samples / self.counted.rows

    def _factor(self, step: str, stage: str) -> float:
        return self.epochs.get(step, 1.0) if stage.startswith(TRAINING) else 1.0

    def stages(self, step: str, samples: int) -> dict[str, float]:
        """Return the seconds of every stage of a step, but for scanning and choosing."""
        found = {START: self._start(step)}
        for name in self.many.seconds[step]:
            if name in {SCAN, NEIGHBOURS}:
                continue
            found[name] = self.line(step, name).at(samples) * self._factor(step, name)
            if name.startswith(TRAINING):
                found[name] *= self.steps.get(step, 1.0)
        return found

    def _start(self, step: str) -> float:
        """Return what a step takes longer in a process that has run none."""
        ends = [sum(s for n, s in one.seconds[step].items() if n != SCAN) for one in (self.first, self.few)]
        return max(0.0, ends[0] - ends[1])

    def table(self, samples: int) -> int:
        """Return the bytes that the table of samples takes at most."""
        held = self.many.store.dataset.samples.nbytes / len(self.many.store.dataset)
        return round(_TABLE * held * samples)


def kept_weights(epochs: int, size: int) -> int:
    """Return the bytes of the weights that a training of so many epochs leaves, of so many bytes each."""
    from prune.proxy import Training
    from prune.proxy.config import stored_epochs

    return size * len(stored_epochs(Training(epochs=epochs), size))


def scan_forecast(measured: Measured, step: str, samples: int) -> StepForecast:
    """Return what the first look at all samples takes, which the first verb does."""
    read = measured.payload * samples
    seconds = measured.line(step, SCAN).at(samples)
    return StepForecast(
        step=SCAN,
        verb=SCAN,
        seconds=_at_least(seconds, read, measured.machine),
        spread=spread(measured.many.rows, samples),
        stages={SCAN: seconds},
        memory=measured.base + measured.table(samples),
        read=read,
    )


def step_forecast(measured: Measured, step: RecipeStep, samples: int) -> StepForecast:
    """Return what one verb takes on so many samples."""
    name = step.name
    stages = measured.stages(name, samples)
    read = _read(measured, step, samples)
    disk = measured.bytes_of(name, samples)
    apart = _apart(measured, name, stages, samples) if step.verb == "score" else {}
    found = StepForecast(
        step=name,
        verb=step.verb,
        seconds=_at_least(sum(stages.values()), read, measured.machine),
        units=max(apart.values(), default=_units(measured, step, samples)),
        apart=apart,
        spread=spread(measured.many.rows, samples),
        stages=stages,
        memory=measured.base + measured.table(samples) + _held(measured, step, samples),
        disk=disk,
        read=read,
        flops=measured.flops_of(name, samples),
    )
    return found if step.verb != "select" else _with_choice(measured, found, samples)


def _units(measured: Measured, step: RecipeStep, samples: int) -> int:
    """Return how many units `embed` makes: parts, but for features that are there; all else is one."""
    parts = step.verb == "embed" and ColumnName.embedding(PRECOMPUTED) not in measured.many.bytes[step.name]
    return -(-samples // PART_ROWS) if parts else 1


def _apart(measured: Measured, step: str, stages: Mapping[str, float], samples: int) -> dict[str, int]:
    """Return the units of the stages of a score that have some: proxies, and parts of what they say."""
    from prune.proxy import NETWORK_NEEDS

    proxies = measured.proxies.get(step, 1)
    parts = {of.stage: proxies * -(-samples // of.part_rows) for of in NETWORK_NEEDS.values()}
    trainings = {stage: proxies for stage in stages if stage.startswith(TRAINING)}
    return trainings | {stage: count for stage, count in parts.items() if stage in stages}


def _with_choice(measured: Measured, found: StepForecast, samples: int) -> StepForecast:
    """Add what the selector itself needs: its mode and memory are those that `select` announces."""
    rate = measured.choices[found.step]
    asked = round(samples * rate.rows / measured.many.rows)
    try:
        forecast = rate.at(asked)
    except OptionError as error:
        return replace(found, seconds=None, why=str(error), advice=error.hint)
    if forecast is None:
        return replace(found, mode="direct", why="a pass over numbers")
    seconds = rate.seconds_at(forecast)
    tried = rate.at(rate.tried)
    assert found.seconds is not None
    wide = spread(1.0 if tried is None else tried.work, forecast.work)
    return replace(
        found,
        seconds=found.seconds + seconds,
        spread=wide if seconds > found.seconds else found.spread,
        stages={**found.stages, "choosing": seconds},
        memory=found.memory + forecast.bytes,
        flops=forecast.work,
        mode=forecast.mode,
        why=forecast.why,
    )


def _at_least(seconds: float, read: float, machine: Machine) -> float:
    """Return the seconds, or those that reading takes: what was tried was in memory already."""
    return seconds if machine.disk is None else max(seconds, read / machine.disk)


def _read(measured: Measured, step: RecipeStep, samples: int) -> float:
    """Return the bytes that a step reads: of the dataset, or of columns."""
    if step.verb == "embed":
        return measured.payload * samples
    if step.verb == "export":
        return float(measured.bytes_of(step.name, samples))
    if step.verb == "select":
        return float(_embedding(measured, step, samples) / 2)
    trains = any(name.startswith("caching") for name in measured.many.seconds[step.name])
    return measured.payload * samples if trains else 0.0


def _held(measured: Measured, step: RecipeStep, samples: int) -> int:
    """Return the bytes that a step holds of columns."""
    dataset = measured.many.store.dataset
    if (
        step.verb == "score"
    ):  # predictions and facts of an epoch, and float32 facts of all epochs that are read
        epochs = round(measured.epochs.get(step.name, 1.0))
        return samples * (2 * len(dataset.classes) + 18 + 8 * epochs)
    if step.verb == "select":
        return _embedding(measured, step, samples) + _MANIFEST * samples
    return 0


def _embedding(measured: Measured, step: RecipeStep, samples: int) -> int:
    """Return the bytes of the numbers that a selector compares, as float32."""
    rate = measured.choices[step.name]
    needs: Any = {"space", "probs"} & set(rate.task.method.needs)
    return 4 * samples * rate.sizes[0][0].width if needs else 0


def too_large(found: StepForecast, machine: Machine) -> str | None:
    """Say why a step does not fit into the memory of a machine; None where it does."""
    if found.seconds is None:
        return found.why
    if found.memory > machine.memory:
        return f"needs {size(found.memory)} of memory, {size(machine.memory)} are free"
    return None
