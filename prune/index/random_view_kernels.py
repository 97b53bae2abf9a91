"""The inner loops of random views: cells of a column, the nearest sample to a point, and its neighbours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.index.quickselect import quickselect
from prune.system.compilation import compiled

ONE = 2.0**40  # a score of 1: sums of whole numbers do not depend on their order
HAIR = 1e-6  # of a cell, by which rounding may put a value outside its cell


class Cells(NamedTuple):
    """The samples in the order of one column, up to the width of a cell."""

    starts: Array  # (cells + 1,) int64
    rows: Array  # (n,) int32, ascending in a cell
    values: Array  # (n,) float32, of the column
    low: float
    width: float


class ViewRule(NamedTuple):
    """What a draw does."""

    redundant: int  # neighbours that lose
    exponent: int


@compiled
def _cell(value: float, low: float, width: float, count: int) -> int:
    return min(max(int((value - low) / width), 0), count - 1)


@compiled
def _place(column: Array, cells: Cells) -> None:
    count = len(cells.starts) - 1
    for i in range(len(column)):
        cells.starts[_cell(column[i], cells.low, cells.width, count)] += 1
    end = 0
    for cell in range(count):
        end += cells.starts[cell]
        cells.starts[cell] = end
    cells.starts[count] = end
    for i in range(len(column) - 1, -1, -1):
        cell = _cell(column[i], cells.low, cells.width, count)
        cells.starts[cell] -= 1
        cells.rows[cells.starts[cell]] = i
        cells.values[cells.starts[cell]] = column[i]


def cells_of(column: Array, count: int) -> Cells:
    """Sort samples into `count` cells of equal width."""
    n, low, high = len(column), float(column.min()), float(column.max())
    width = (high - low) / count or 1.0
    cells = Cells(np.zeros(count + 1, np.int64), np.empty(n, np.int32), np.empty(n, np.float32), low, width)
    _place(column, cells)
    return cells


@compiled
def _gap(columns: Array, axes: Array, point: Array, value: float, row: int) -> float:
    """ℓ₁ distance of a sample to a point, whose first coordinate belongs to the cells."""
    total = abs(np.float64(value) - point[0])
    for q in range(len(axes)):
        total += abs(np.float64(columns[axes[q], row]) - point[q + 1])
    return total


@compiled
def nearest_to(cells: Cells, columns: Array, axes: Array, point: Array) -> int:
    """Return where in the cells the sample nearest to a point is, ties to the lower row: outwards from it."""
    count = len(cells.starts) - 1
    low = _cell(point[0], cells.low, cells.width, count)
    high = low + 1
    visit = low
    best, least = -1, np.inf
    while True:
        for e in range(cells.starts[visit], cells.starts[visit + 1]):
            gap = _gap(columns, axes, point, cells.values[e], cells.rows[e])
            if gap < least or (gap == least and cells.rows[e] < cells.rows[best]):
                best, least = e, gap
        left = point[0] - (cells.low + low * cells.width) if low > 0 else np.inf
        right = cells.low + high * cells.width - point[0] if high < count else np.inf
        nearer = min(left, right)
        if nearer == np.inf or nearer - HAIR * cells.width > least:
            return best
        if left <= right:
            low -= 1
            visit = low
        else:
            visit = high
            high += 1


@compiled
def _trim(gaps: Array, rows: Array, number: int, wanted: int, spare: Array) -> tuple[int, float]:
    """Keep the `wanted` nearest, and all that are as near as the last of them; return how many, how near."""
    for e in range(number):
        spare[e] = gaps[e]
    edge = quickselect(spare[:number], wanted - 1)
    kept = 0
    for e in range(number):
        gap, row = gaps[e], rows[e]
        gaps[kept], rows[kept] = gap, row
        kept += gap <= edge
    return kept, edge


@compiled
def neighbours(
    cells: Cells, columns: Array, axes: Array, point: Array, wanted: int, found: tuple[Array, Array, Array]
) -> int:
    """Write the `wanted` samples nearest to a point, and all as near as the last of them; return how many.

    `found` are their distances, their rows, and space for as many distances again.
    """
    gaps, rows, spare = found
    count = len(cells.starts) - 1
    low = _cell(point[0], cells.low, cells.width, count)
    high = low + 1
    visit = low
    number, full, limit = 0, 2 * wanted, np.inf
    while True:
        for e in range(cells.starts[visit], cells.starts[visit + 1]):
            gap = _gap(columns, axes, point, cells.values[e], cells.rows[e])
            gaps[number], rows[number] = gap, cells.rows[e]
            number += gap <= limit
        if number >= full:
            number, limit = _trim(gaps, rows, number, wanted, spare)
            full = 2 * max(number, wanted)
        left = point[0] - (cells.low + low * cells.width) if low > 0 else np.inf
        right = cells.low + high * cells.width - point[0] if high < count else np.inf
        nearer = min(left, right)
        if nearer == np.inf or nearer - HAIR * cells.width > limit:
            return _trim(gaps, rows, number, wanted, spare)[0]
        if left <= right:
            low -= 1
            visit = low
        else:
            visit = high
            high += 1


@compiled
def _share(gaps: Array, rows: Array, winner: int, exponent: int, totals: Array) -> None:
    """Take 1 from all but the winner together; those at distance 0, if any, share it alone."""
    least = np.inf
    for e in range(len(gaps)):
        if rows[e] != winner:
            least = min(least, gaps[e])
    total = 0.0
    for e in range(len(gaps)):
        part = 1.0 if gaps[e] == least else 0.0
        if least > 0.0 and gaps[e] > 0.0:
            part = 1.0
            for _ in range(exponent):
                part *= least / gaps[e]
        gaps[e] = part if rows[e] != winner else 0.0
        total += gaps[e]
    for e in range(len(gaps)):
        totals[rows[e]] -= np.int64(gaps[e] / total * ONE + 0.5)


@compiled
def play(cells: Cells, columns: Array, axes: Array, points: Array, rule: ViewRule, totals: Array) -> None:
    """Let draws that share their first dimension add to the totals.

    Parameters
    ----------
    columns : (·, n)
        The other dimensions; `axes` (draws, m − 1) says which of them.
    points : (draws, m)
        The first coordinate is that of the cells.
    totals : (n,) int64
        In units of 2⁻⁴⁰.
    """
    n = len(totals)
    found = np.empty(n + 1), np.empty(n + 1, np.int32), np.empty(n + 1)
    here = np.empty(points.shape[1])
    wanted = min(rule.redundant, n - 1) + 1  # the winner is one of them
    for i in range(len(points)):
        place = nearest_to(cells, columns, axes[i], points[i])
        winner = cells.rows[place]
        totals[winner] += np.int64(ONE)
        if wanted == 1:
            continue
        here[0] = cells.values[place]
        for q in range(len(here) - 1):
            here[q + 1] = columns[axes[i, q], winner]
        number = neighbours(cells, columns, axes[i], here, wanted, found)
        _share(found[0][:number], found[1][:number], winner, rule.exponent, totals)
