"""The rate of a choice: a selector on more and more samples, drawn around those of an excerpt."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.methods import words
from prune.index.resource_plan import Size
from prune.steps.recipe.keys import Verb
from prune.steps.select.by_class import ChoiceTask, Material, choose
from prune.steps.select.forecast import Forecast, forecast_of, group_sizes
from prune.steps.select.inputs import SelectionInputs, resolve
from prune.steps.select.parameters import request_of
from prune.steps.settings import Settings
from prune.store import Store

_LONG = 0.7  # seconds that a try takes to be believed
_MOST = 1 << 16  # samples
_NOISE = 0.3  # of a deviation: how far from those of the excerpt


@dataclass(frozen=True)
class ChoiceRate:
    """What a selector took, and how its work grows with the samples."""

    task: ChoiceTask
    sizes: Sequence[tuple[Size, int]]  # of the groups of the excerpt, with what each keeps
    rows: int  # samples of the excerpt that may be chosen
    tried: int  # samples of the last try
    seconds: float  # of that
    small: float  # seconds that it took of the excerpt itself

    def at(self, samples: int) -> Forecast | None:
        """Return what `select` says of so many samples; None where it has no plan.

        Raises
        ------
        OptionError
            No way to do it fits in the memory allowed.
        """
        ratio = samples / self.rows
        return forecast_of(self.task, [(_times(size, ratio), _scaled(k, ratio)) for size, k in self.sizes])

    def seconds_at(self, forecast: Forecast | None) -> float:
        """Return how long so much work takes."""
        tried = self.at(self.tried)
        if forecast is None or tried is None or not tried.work:
            return 0.0
        return self.seconds * forecast.work / tried.work


def choice_rate(store: Store, verb: Verb, given: Mapping[str, Any], most: int) -> ChoiceRate:
    """Try the selector of a step of a trial, on at most so many samples."""
    settings: Settings = given["settings"]
    inputs = _inputs(store, verb, given, settings)
    rows, sizes = (
        inputs.eligible.rows,
        group_sizes(inputs.task, inputs.dataset.labels, inputs.like, inputs.target),
    )
    if inputs.request.needs_texts or inputs.task.method.plan is None:  # a pass over the samples
        return ChoiceRate(inputs.task, sizes, len(rows), len(rows), 0.0, 0.0)
    small = seconds = _tried(inputs, len(rows))
    tried = len(rows)
    while seconds < _LONG and 2 * tried <= min(most, _MOST):
        tried *= 2
        seconds = _tried(inputs, tried)
    return ChoiceRate(inputs.task, sizes, len(rows), tried, seconds, small)


def _inputs(store: Store, verb: Verb, given: Mapping[str, Any], settings: Settings) -> SelectionInputs:
    usual = {name: of.default for name, of in inspect.signature(verb).parameters.items()}
    asked = {**usual, **given}
    leaks = asked["drop_leaks"]
    asked |= {"options": words(asked["options"])}
    asked |= {"drop_leaks": (leaks,) if isinstance(leaks, str) else tuple(leaks)}
    asked = {name: value for name, value in asked.items() if name not in _NOT_ASKED}
    with store.writing():
        return resolve(store, request_of(store, asked, settings.seed), settings)


_NOT_ASKED = {"store", "name", "dry_run", "settings"}


def _tried(inputs: SelectionInputs, count: int) -> float:
    """Return the seconds of a choice of `count` samples, drawn around those that may be chosen."""
    rows = inputs.eligible.rows
    drawn = rows[np.arange(count) % len(rows)]
    task, material = inputs.task, inputs.material()
    k = None if task.k is None else max(1, round(task.k * count / len(rows)))
    by = None if task.by is None else task.by[drawn]
    around = replace(task, rows=np.arange(count), k=k, given=task.given[:0], by=by)
    drawn_material = _around(inputs, material, drawn)
    began = time.perf_counter()
    choose(around, drawn_material)
    return time.perf_counter() - began


def _around(inputs: SelectionInputs, material: Material, drawn: Rows) -> Material:
    source, space = inputs.space, None
    if source is not None and material.space is not None:
        from prune.index.gradients import GradientSpace
        from prune.index.space import EmbeddingSpace

        place: dict[str, Any] = {"device": source.device, "memory": source.memory}
        vectors = _near(source.vectors[drawn], inputs.request.seed)
        errors = source.errors[drawn] if source.like.gradients else None

        def space(which: Rows) -> Any:
            some = None if len(which) == len(drawn) else which
            if errors is None:
                return EmbeddingSpace(vectors, rows=some, **place)
            return GradientSpace(errors, vectors, rows=some, **place)

    return replace(
        material,
        elsewhere=None,
        labels=material.labels[drawn],
        keys=lambda which: [str(row) for row in which],
        space=space,
        scores=None if material.scores is None else material.scores[drawn],
        easiness=None if material.easiness is None else material.easiness[drawn],
        probs=None if material.probs is None else material.probs[drawn],
    )


def _near(vectors: Array, seed: int) -> Array:
    """Return vectors near to others, none equal to another."""
    noise = np.random.default_rng(seed).standard_normal(vectors.shape, np.float32)
    noise *= _NOISE * vectors.std(0, dtype=np.float64).astype(np.float32)
    noise += vectors
    return noise.astype(vectors.dtype)


def _times(size: Size, ratio: float) -> Size:
    return replace(size, n=_scaled(size.n, ratio), given=_scaled(size.given, ratio) if size.given else 0)


def _scaled(count: int, ratio: float) -> int:
    return max(1, round(count * ratio))
