"""Log-distances of samples to a target: what an estimate of the KL divergence is made of."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.blocks import Operand, Operands, operands_of
from prune.index.exact import each_to_all
from prune.index.exact_sums import write_gaps
from prune.index.gradients import GradientSpace
from prune.index.log_distances import add_logs, add_logs_exactly, near_exactly
from prune.index.space import Space, Sums
from prune.system.executors.threads import thread_count, threads

OWN = 2**31 - 1  # in place of a logarithm
FLOOR = 1e-10  # squared distances below it count as it: a distance of 1e-5
SMALL = 2**26  # multiply-adds up to which every distance is a float64 sum of squared differences
TARGETS = 2048  # of a tile
SAMPLES = 1024
RADII = 4096  # target samples, evenly spaced, that the mean radius of a larger target is taken from


@dataclass(frozen=True)
class DivergenceTarget:
    """What is to be matched: t samples with weights, as seen from n samples that may be the same ones."""

    space: Space
    pool: Space
    weights: Sums  # (t,)
    same: bool  # the target is the pool: no sample is near to itself

    @property
    def dimensions(self) -> int:
        """Numbers of a point: d, or c·(d + 1) for gradients."""
        space = self.space
        return space.c * (space.d + 1) if isinstance(space, GradientSpace) else space.width


def potentials(target: DivergenceTarget) -> tuple[Sums, int]:
    """φ of every sample, the weighted mean over the target of the logarithm of its distance.

    ``φ(w) = Σᵢ aᵢ ln max(‖xᵢ − w‖, 1e-5) / Σᵢ aᵢ``; where the target is the pool, without the pair of a
    sample with itself. Time O(n·t·width) as float32 products and one logarithm a pair; distances that such
    products blur are float64 sums. Memory O(n) and a tile a thread. The same for any number of threads.

    Returns
    -------
    (n,) float64, and how many pairs are nearer than 1e-5.
    """
    sums = np.zeros(target.pool.n)
    floored = 0
    for one, tile in _tiles(target):
        weights = target.weights[one.side.names]

        def add(
            two: Operand, squares: Array, span: slice, one: Operand = one, weights: Array = weights
        ) -> int:
            if target.same:
                squares[_diagonal(one, two)] = 1.0
            low = int((squares < FLOOR).sum())
            np.maximum(squares, FLOOR, out=squares)
            logs = add_logs_exactly if squares.dtype == np.float64 else add_logs
            logs(squares, weights, sums[span])
            return low

        floored += sum(tile(add))
    total = target.weights.sum() - (target.weights if target.same else 0.0)
    return np.divide(sums / 2, total, out=np.zeros_like(sums), where=total > 0), floored


def log_distances(target: DivergenceTarget, out: Array, unit: float) -> None:
    """Write ln ‖xᵢ − wⱼ‖ in multiples of `unit` into int32 `out` (t, n); OWN where both are one sample."""
    for one, tile in _tiles(target):
        here = out[one.side.names[0] : one.side.names[-1] + 1]

        def write(two: Operand, squares: Array, span: slice, one: Operand = one, here: Array = here) -> int:
            np.maximum(squares, FLOOR, out=squares)
            np.log(squares, out=squares)
            squares *= squares.dtype.type(0.5 / unit)
            np.rint(squares, out=here[:, span], casting="unsafe")
            if target.same:
                here[:, span][_diagonal(one, two)] = OWN
            return 0

        tile(write)


def log_radius(target: DivergenceTarget, neighbours: int) -> float:
    """Weighted mean over the target of ln ρ, the distance of a sample to its k-th neighbour in the target.

    Of a target of more than 4,096 samples, as many evenly spaced ones stand for all. 0 if there is only one.
    """
    t = target.space.n
    if t == 1:
        return 0.0
    chosen = np.unique(np.linspace(0, t - 1, min(t, RADII)).astype(np.int64))
    operands = operands_of(target.space)
    heaps = each_to_all(operands, operands, min(neighbours, t - 1), chosen)
    weights = target.weights[chosen]
    if not weights.any():
        weights = np.ones(len(chosen))
    return float(np.average(np.log(np.maximum(heaps.gaps.max(axis=1), FLOOR)) / 2, weights=weights))


Visit = Callable[[Operand, Array, slice], int]


def _tiles(target: DivergenceTarget) -> Iterator[tuple[Operand, Callable[[Visit], list[int]]]]:
    """Each block of the target, and a function that shows its distances to all samples to a visitor."""
    base = operands_of(target.space)
    others = base if target.same else base.framed_like(target.pool)
    exact = target.space.n * others.n * base.terms <= SMALL
    with threads() as pool:
        for start in range(0, base.n, TARGETS):
            one = base.load(slice(start, min(start + TARGETS, base.n)))

            def tile(visit: Visit, one: Operand = one) -> list[int]:
                def work(worker: int) -> int:
                    mine, found = copy.copy(others), 0
                    squares = np.empty(len(one.framed) * SAMPLES, np.float64 if exact else np.float32)
                    for first in range(worker * SAMPLES, others.n, workers * SAMPLES):
                        span = slice(first, min(first + SAMPLES, others.n))
                        two = mine.load(span)
                        found += visit(two, _squares(mine, one, two, squares), span)
                    return found

                workers = thread_count()
                return list(pool.map(work, range(workers)))

            yield one, tile


def _squares(operands: Operands, one: Operand, two: Operand, buffer: Array) -> Array:
    if buffer.dtype == np.float64:
        squares = buffer[: len(one.framed) * len(two.framed)].reshape(len(one.framed), -1)
        write_gaps(one.side, two.side, squares)
    else:
        squares = operands.products(one, two, buffer)
        near_exactly(one.side, two.side, operands.scale**2, squares)
    return squares


def _diagonal(one: Operand, two: Operand) -> tuple[Rows, Rows]:
    first, second = one.side.names[0], two.side.names[0]
    shared = np.arange(max(first, second), min(one.side.names[-1], two.side.names[-1]) + 1)
    return shared - first, shared - second
