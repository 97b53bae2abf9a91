"""Exact nearest neighbours: every pair of blocks meets once, a tile of products at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Rows
from prune.index import topk
from prune.index.blocks import Operand, Operands, Vectors
from prune.index.topk import Heaps, MeetingRule, heaps_of
from prune.system.executors.threads import spread

TILE = (
    2048  # rows and columns of a tile: 16 MB of products, which stay in cache until they have been looked at
)


class Meeting:
    """Blocks that meet; what each sample keeps lies in the heaps."""

    def __init__(self, heaps: Heaps) -> None:
        self.heaps = heaps
        self._buffer = np.empty(0, np.float32)

    def products(self, operands: Operands, one: Operand, two: Operand) -> Array:
        """Products of two blocks, in memory that the next call overwrites."""
        size = len(one.framed) * len(two.framed)
        if self._buffer.size < size:
            self._buffer = np.empty(size, np.float32)
        return operands.products(one, two, self._buffer)

    def rows(self, one: Operand, two: Operand, products: Array, rule: MeetingRule) -> None:
        """Offer the samples of `two` to those of `one`."""
        spread(
            len(one.framed),
            lambda span: topk.meet_rows(self.heaps, one.side, two.side, products, rule, span),
        )

    def columns(self, one: Operand, two: Operand, products: Array, rule: MeetingRule) -> None:
        """Offer the samples of `one` to those of `two`."""
        spread(
            len(two.framed),
            lambda span: topk.meet_columns(self.heaps, one.side, two.side, products, rule, span),
        )


def rule_of(operands: Operands, offered: Operand, *, apart: bool = False, again: bool = False) -> MeetingRule:
    """Return how samples meet a block that is offered to them."""
    reach = float(np.sqrt(offered.side.norms.max(initial=0.0)))
    return MeetingRule(operands.scale**2, operands.terms, reach, apart, again)


def all_pairs(operands: Operands, count: int) -> Heaps:
    """Let all samples meet: n²/2 products, since each serves both samples."""
    if operands.device != "cpu":
        return _on_device(operands, operands, count, None)
    heaps = heaps_of(operands.n, count)
    for _ in stripes(operands, heaps):
        pass
    return heaps


def stripes(operands: Operands, heaps: Heaps) -> Iterator[slice]:
    """Let all samples meet as in `all_pairs`; yield the rows that have met everybody, a tile at a time."""
    meet = Meeting(heaps)
    for start in range(0, operands.n, TILE):
        one = operands.load(slice(start, min(start + TILE, operands.n)))
        for other in range(start, operands.n, TILE):
            two = one if other == start else operands.load(slice(other, min(other + TILE, operands.n)))
            products = meet.products(operands, one, two)
            meet.rows(one, two, products, rule_of(operands, two))
            if other != start:
                meet.columns(one, two, products, rule_of(operands, one))
        yield slice(start, min(start + TILE, operands.n))


def each_to_all(operands: Operands, others: Operands, count: int, sample: Rows | None = None) -> Heaps:
    """Let samples, by default all, meet all of the others; `others` may be `operands` itself."""
    if operands.device != "cpu":
        return _on_device(operands, others, count, sample)
    if isinstance(operands, Vectors) and isinstance(others, Vectors):
        from prune.index.flat import meet_by_faiss

        return _proven(*meet_by_faiss(operands, others, count, sample), operands, others, sample)
    return _each_on_host(operands, others, count, sample)


def _on_device(operands: Operands, others: Operands, count: int, sample: Rows | None) -> Heaps:
    from prune.index.topk_cuda import meet_on_device

    assert isinstance(operands, Vectors)
    assert isinstance(others, Vectors)
    return _proven(*meet_on_device(operands, others, count, sample), operands, others, sample)


def _proven(heaps: Heaps, doubtful: Rows, one: Operands, two: Operands, sample: Rows | None) -> Heaps:
    """Let the samples whose nearest are in doubt meet all others once more, tile by tile."""
    if len(doubtful):
        again = _each_on_host(one, two, heaps.gaps.shape[1], doubtful if sample is None else sample[doubtful])
        heaps.gaps[doubtful], heaps.who[doubtful] = again
    return heaps


def _each_on_host(operands: Operands, others: Operands, count: int, sample: Rows | None) -> Heaps:
    apart = operands is not others
    size = operands.n if sample is None else len(sample)
    meet = Meeting(heaps_of(size, count))
    for start in range(0, others.n, TILE):
        two = others.load(slice(start, min(start + TILE, others.n)))
        for first in range(0, size, TILE):
            span = slice(first, min(first + TILE, size))
            one = operands.load(span if sample is None else sample[span])
            one = replace(one, side=one.side._replace(places=np.arange(span.start, span.stop)))
            rule = rule_of(operands, two, apart=apart)
            meet.rows(one, two, meet.products(operands, one, two), rule)
    return meet.heaps


def in_order(heaps: Heaps) -> tuple[Rows, npt.NDArray[np.float32]]:
    """(n, count) rows and squared distances, nearest first; the heaps are used up."""
    rows = np.empty(heaps.who.shape, np.int64)
    squares = np.empty(heaps.who.shape, np.float32)
    spread(len(rows), lambda span: topk.in_order(heaps, span, rows, squares))
    return rows, squares
