"""The gradient of a target's loss after one step on the samples chosen so far, and who lowers it most."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Rows
from prune.index.gradients import GradientSpace
from prune.index.space import BLOCK, Sums, Vector

LEAST = 2.0**-24  # of a probability: float16 has none smaller
AT_ONCE = 512  # gains found together
MANY = 4  # looking at a quarter one by one costs as much as a pass over all
SLACK = 1e-9  # of a bound: far more than float64 products may be off
EQUAL = 1e-12  # of the largest possible gain: gains that differ by less are the same, whatever adds them up


class Lookahead:
    """A target set whose logits move as samples are chosen.

    Parameters
    ----------
    target
        t gradients; probabilities, labels and logits are read off their errors.
    eta
        Length of the step; default ``2 / mean(1 + ‖h‖²)``.
    pool
        Threads with products of one thread each.
    summed
        The step follows the sum of the chosen gradients, not their mean.
    """

    def __init__(
        self, target: GradientSpace, eta: float | None, pool: Executor, *, summed: bool = False
    ) -> None:
        self._target, self._pool, self._summed, n = target, pool, summed, target.n
        self._logits = np.empty((n, target.c))
        self._labels = np.empty(n, np.int64)
        self._moves = np.zeros((n, target.c))  # Σ over the chosen of (1 + hᵢ·hₜ) eᵢ
        self._chosen = 0
        lengths = 0.0
        for span in self._spans():
            probs, features = target.wide(span)
            self._labels[span] = probs.argmin(1)
            probs[np.arange(len(probs)), self._labels[span]] += 1
            self._logits[span] = np.log(np.maximum(probs, LEAST))
            lengths += float(np.square(features).sum())
        self.eta = 2 / (1 + lengths / n) if eta is None else eta

    def choose(self, errors: Array, features: Array) -> None:
        """Let samples join the chosen: errors (b, c) and features (b, d)."""

        def move(span: slice) -> None:
            _, ours = self._target.wide(span)
            self._moves[span] += (ours @ features.T + 1) @ errors

        list(self._pool.map(move, self._spans()))
        self._chosen += len(errors)

    def gradient(self) -> Vector:
        """(c, d + 1) float64 mean gradient of the target after the step."""
        total = np.zeros((self._target.c, self._target.d + 1))
        step = self.eta if self._summed else self.eta / max(self._chosen, 1)

        def part(span: slice) -> tuple[Array, Sums]:
            _, features = self._target.wide(span)
            logits = self._logits[span] - step * self._moves[span]
            logits -= logits.max(1, keepdims=True)
            errors = np.exp(logits, out=logits)
            errors /= errors.sum(1, keepdims=True)
            at = np.arange(len(errors)), self._labels[span]
            errors[at] = 0
            errors[at] = -errors.sum(1)
            return errors.T @ features, errors.sum(0)

        for products, sums in self._pool.map(part, self._spans()):
            total[:, :-1] += products
            total[:, -1] += sums
        total /= self._target.n
        return total

    def _spans(self) -> list[slice]:
        n = self._target.n
        return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]


@dataclass
class TakenSamples:
    """Samples in the order taken, and what finding them has cost."""

    rows: Rows
    gains: Sums
    passes: int
    looked_at: int


def look_ahead(space: GradientSpace, ahead: Lookahead, k: int, given: Rows, every: int) -> TakenSamples:
    """Take the sample with the largest ``⟨gⱼ, v⟩``, k times; v is the target's gradient after the step.

    Gains of all samples are found once. Later on ``⟨gⱼ, v⟩ ≤ ⟨gⱼ, v₀⟩ + ‖gⱼ‖·‖v − v₀‖`` tells who may be the
    best, and only those are looked at again; when they are many, all are.
    """
    norms = np.sqrt(space.squared_norms())
    longest = float(norms.max())
    free = _free(space, ahead, given)
    base = now = ahead.gradient()
    known, doubt = space.dot(base), 0.0
    found = TakenSamples(np.empty(k, np.int64), np.empty(k), 1, 0)
    for step in range(k):
        if step and step % every == 0:
            ahead.choose(*space.wide(found.rows[step - every : step]))
            now = ahead.gradient()
            doubt = float(np.linalg.norm(now - base) + SLACK * np.linalg.norm(base))
        equal = EQUAL * longest * float(np.linalg.norm(now))
        bounds = np.where(free, known + doubt * norms, -np.inf)
        best, gain, looked = _best(space, now, bounds, doubt, equal)
        if best < 0:
            base, known, doubt = now, space.dot(now), 0.0
            best, gain, _ = _best(space, now, np.where(free, known, -np.inf), doubt, equal)
            found.passes += 1
        found.looked_at += looked
        found.rows[step], found.gains[step], free[best] = best, gain, False
    return found


def look_at_some(
    space: GradientSpace,
    ahead: Lookahead,
    k: int,
    given: Rows,
    every: int,
    rng: np.random.Generator,
    count: int,
) -> TakenSamples:
    """Take k times the best of `count` samples that are drawn, by the gradient after the step."""
    longest = float(np.sqrt(space.squared_norms().max()))
    free = _free(space, ahead, given)
    now = ahead.gradient()
    found = TakenSamples(np.empty(k, np.int64), np.empty(k), 0, 0)
    for step in range(k):
        if step and step % every == 0:
            ahead.choose(*space.wide(found.rows[step - every : step]))
            now = ahead.gradient()
        left = np.flatnonzero(free)
        drawn = np.sort(rng.choice(left, min(count, len(left)), replace=False, shuffle=False))
        gains = space.subset(drawn).dot(now)
        best = int(np.argmax(gains >= gains.max() - EQUAL * longest * float(np.linalg.norm(now))))
        found.looked_at += len(drawn)
        found.rows[step], found.gains[step], free[drawn[best]] = drawn[best], gains[best], False
    return found


def _free(space: GradientSpace, ahead: Lookahead, given: Rows) -> npt.NDArray[np.bool_]:
    """Return which samples may be taken; those that are given join the chosen."""
    free = np.ones(space.n, np.bool_)
    free[given] = False
    for start in range(0, len(given), BLOCK):
        ahead.choose(*space.wide(given[start : start + BLOCK]))
    return free


def _best(
    space: GradientSpace, now: Vector, bounds: Sums, doubt: float, equal: float
) -> tuple[int, float, int]:
    """Return the sample with the largest gain, the gain, and how many were looked at; −1 if too many.

    Gains within `equal` of the largest are ties, of which the lower row is taken.
    """
    if not doubt:
        best = int(np.argmax(bounds >= bounds.max() - equal))
        return best, float(bounds[best]), 0
    few = min(AT_ONCE, len(bounds))
    first = np.sort(np.argpartition(-bounds, few - 1)[:few])
    gains = np.where(np.isfinite(bounds[first]), space.subset(first).dot(now), -np.inf)
    maybe = bounds >= gains.max() - equal
    maybe[first] = False
    rest = np.flatnonzero(maybe)
    if len(rest) > len(bounds) // MANY:
        return -1, 0.0, len(bounds)
    rows = np.concatenate([first, rest])
    gains = np.concatenate([gains, space.subset(rest).dot(now)]) if len(rest) else gains
    best = int(rows[gains >= gains.max() - equal].min())
    return best, float(gains.max()), len(rows)
