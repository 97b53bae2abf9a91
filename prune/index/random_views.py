"""Random low-dimensional views of many samples: who is nearest to a random point, and who repeats them.

A view is a few columns. Samples lie in cells of the first, so that a search from any value goes outwards cell
by cell and ends when no cell can hold anybody nearer; no view sorts or even visits all samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index import random_view_kernels as kernels
from prune.index.space import Block, EmbeddingSpace, Sums
from prune.system.executors.threads import thread_count, threads

CELL = 32  # samples in a cell, on average
BATCH = 4096  # draws before a thread looks up
SAMPLE, BINS = 16384, 64  # of a column, that tell where it is crowded


@dataclass(frozen=True)
class ViewDraws:
    """Random points, each in its own few dimensions; every draw is a row of one table of random numbers."""

    dimensions: Rows  # (draws, m), distinct in a row
    quantiles: Sums  # (draws, m), in [0, 1)

    @classmethod
    def of(cls, count: int, m: int, d: int, seed: int) -> ViewDraws:
        """Draw; more draws go on where fewer end."""
        table = np.random.default_rng([seed, 1]).random((count, 2 * m))
        picks = np.empty((count, m), np.int64)
        for j in range(m):
            pick = (table[:, j] * (d - j)).astype(np.int64)
            for before in np.sort(picks[:, :j], axis=1).T:
                pick += pick >= before
            picks[:, j] = pick
        return cls(picks, table[:, m:])


def coverage(space: EmbeddingSpace, draws: ViewDraws, rule: kernels.ViewRule) -> Array:
    """What each sample wins and loses over all draws, (n,) int64 in units of 2⁻⁴⁰.

    The point of a draw has, in each of its dimensions, the given quantile of the triangular distribution
    between least, median and largest value. The sample nearest to it in ℓ₁ wins 1, ties to the lower row.
    The `redundant` samples nearest to the winner, and all that are as near as the last of them, lose 1
    together, in proportion to distance^−exponent; those that coincide with it, if any do, lose it alone.

    Time about O(√(n·redundant)) a draw in two dimensions, and O(n) a dimension and group of columns. Memory
    40·n bytes a thread, and as many columns as fit into half of `space.memory`. The same for any number of
    threads.
    """
    workers = thread_count()
    totals = np.zeros((workers, space.n), np.int64)
    free: SimpleQueue[int] = SimpleQueue()  # rows of `totals`
    for worker in range(workers):
        free.put(worker)
    for columns, dimensions, points in _groups(space, draws):
        order = np.argsort(dimensions[:, 0], kind="stable")
        firsts, starts = np.unique(dimensions[order, 0], return_index=True)
        parts = list(zip(firsts.tolist(), np.split(order, starts[1:]), strict=True))

        def work(
            part: tuple[int, Rows],
            columns: Block = columns,
            dimensions: Rows = dimensions,
            points: Sums = points,
        ) -> None:
            first, which = part
            worker = free.get()
            cells = kernels.cells_of(columns[first], max(1, space.n // CELL))
            axes = np.ascontiguousarray(dimensions[which, 1:])
            kernels.play(cells, columns, axes, points[which], rule, totals[worker])
            free.put(worker)

        with threads() as pool:
            list(pool.map(work, _short(parts)))
    return totals.sum(axis=0)


def _short(parts: list[tuple[int, Rows]]) -> Iterator[tuple[int, Rows]]:
    """Parts of at most `BATCH` draws, so that an interruption has little to wait for."""
    for first, which in parts:
        for start in range(0, len(which), BATCH):
            yield first, which[start : start + BATCH]


def _groups(space: EmbeddingSpace, draws: ViewDraws) -> Iterator[tuple[Block, Rows, Sums]]:
    """Draws whose columns fit into memory together: the columns, and where in them each draw is."""
    m = draws.dimensions.shape[1]
    fit = max(m, space.memory // 2 // (4 * space.n))
    size = space.d if fit >= space.d else max(1, fit // m)
    groups, which = np.unique(np.sort(draws.dimensions // size, axis=1), axis=0, return_inverse=True)
    for number, group in enumerate(groups):
        wanted = np.concatenate(
            [np.arange(g * size, min((g + 1) * size, space.d)) for g in np.unique(group).tolist()]
        )
        columns = _columns(space, wanted)
        mine = np.flatnonzero(which.reshape(-1) == number)
        places = np.searchsorted(wanted, draws.dimensions[mine])
        points = _triangular(columns, places, draws.quantiles[mine])
        order = _thinnest_first(columns, places, points)
        places, points = np.take_along_axis(places, order, axis=1), np.take_along_axis(points, order, axis=1)
        yield columns, places, points


def _thinnest_first(columns: Block, places: Rows, points: Sums) -> Rows:
    """Order the dimensions of each draw by how many samples are near its point: fewest are visited so."""
    sample = columns[:, :: max(1, columns.shape[1] // SAMPLE)]
    crowds = np.empty((len(columns), BINS))
    edges = np.empty((len(columns), 2))
    for column, values in enumerate(sample):
        low, high = float(values.min()), float(values.max())
        high = high if high > low else low + max(1.0, abs(low))
        counts, bounds = np.histogram(values.astype(np.float64), BINS, (low, high))  # float32 is too coarse
        crowds[column] = (counts + 1) / max(bounds[1] - bounds[0], 1e-300)
        edges[column] = bounds[0], bounds[-1]
    low, high = edges[places, 0], edges[places, 1]
    bins = np.clip((points - low) / np.where(high > low, high - low, 1.0) * BINS, 0, BINS - 1).astype(
        np.int64
    )
    return np.argsort(crowds[places, bins], axis=1, kind="stable")


def _columns(space: EmbeddingSpace, wanted: Rows) -> Block:
    columns = np.empty((len(wanted), space.n), np.float32)
    for span, block in space.blocks():
        columns[:, span] = block[:, wanted].T
    return columns


def _triangular(columns: Block, places: Rows, quantiles: Sums) -> Sums:
    low, mode, high = (
        np.array([statistic(column) for column in columns], np.float64)[places]
        for statistic in (np.min, np.median, np.max)
    )
    width = np.where(high > low, high - low, 1.0)
    rising = quantiles * width < mode - low
    left = low + np.sqrt(quantiles * width * (mode - low))
    right = high - np.sqrt((1 - quantiles) * width * (high - mode))
    points: Sums = np.where(high > low, np.where(rising, left, right), low)
    return points
