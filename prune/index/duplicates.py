"""Duplicates: samples of a group meet the better-ranked ones that were kept, best first, a tile at a time.

As in every search here, float32 products tell which pairs cannot matter, and float64 distances decide: what
is kept does not depend on the order of blocks, or on the number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.blocks import Operand, Operands, operands_of
from prune.index.exact_sums import gap_of
from prune.index.kept_neighbours import Nearest
from prune.index.product_bounds import limit_of, slack
from prune.index.space import EmbeddingSpace, Space
from prune.index.topk import Side
from prune.system.compilation import compiled
from prune.system.executors.threads import thread_count, threads

TILE = 2048  # rows and columns: 16 MB of products, which stay in cache until they have been looked at
STRETCH = 64  # products looked at together


def nearest_kept(space: Space, groups: list[Rows], fixed: list[int], reach: float) -> Nearest:
    """Go through every group in its order, and keep what is farther than `reach` from all kept before it.

    Time O(Σ size · kept · width) as matrix products, memory O(n) and a few tiles.

    Parameters
    ----------
    groups
        Disjoint rows, best first. Rows in no group are kept.
    fixed
        How many rows at the head of each group are kept whatever is near.
    reach
        Squared distance at which a sample duplicates another.
    """
    keeper = space.keeper if isinstance(space, EmbeddingSpace) and space.metric == "cosine" else None
    if keeper is not None and (found := keeper.nearest_kept(groups, fixed, reach)) is not None:
        return found
    rows = np.concatenate(groups) if groups else np.empty(0, np.int64)
    found = Nearest(np.full(space.n, np.inf), np.full(space.n, -1, np.int64), np.ones(space.n, bool))
    with threads() as pool:
        tiles = _Tiles(operands_of(space).arranged(rows), pool)
        for rows, head in zip(groups, fixed, strict=True):
            tiles.go_through(found, rows, head, reach)
    return found


class _Near(NamedTuple):
    """What the samples of a block have met."""

    squares: Array  # (b,) float64
    who: Array  # (b,) int64


class _Rule(NamedTuple):
    """What bounds the rounding of a tile of products."""

    scale: float  # squared distances in the frame of the products are `scale` times the real ones
    width: int  # terms in the sum of a product
    reach: float  # the largest norm of those that are met


class _Tiles:
    """Blocks that meet in tiles of products."""

    def __init__(self, operands: Operands, pool: ThreadPoolExecutor) -> None:
        self.operands, self.pool = operands, pool
        self.threads = thread_count()
        self.buffer = np.empty(TILE * TILE, np.float32)

    def go_through(self, found: Nearest, rows: Rows, head: int, reach: float) -> None:
        """Decide about one group."""
        before = rows[:head]
        for start in range(head, len(rows), TILE):
            fresh = rows[start : start + TILE]
            one = self.operands.load(fresh)
            near = _Near(np.full(len(fresh), np.inf), np.full(len(fresh), -1))
            for first in range(0, len(before), TILE):
                self.meet(near, one, self.operands.load(before[first : first + TILE]))
            stays = np.ones(len(fresh), bool)
            _meet_before(near, one.side, self.products(one, one), self.rule(one), reach, stays)
            found.squares[fresh], found.who[fresh], found.kept[fresh] = near.squares, near.who, stays
            before = np.concatenate([before, fresh[stays]])

    def meet(self, near: _Near, one: Operand, two: Operand) -> None:
        """Let all of `one` meet all of `two`, in disjoint spans side by side."""
        products, rule = self.products(one, two), self.rule(two)
        everybody = np.ones(len(two.side.rows), bool)
        edges = np.linspace(0, len(products), self.threads + 1).astype(int)

        def work(at: int) -> None:
            _meet(near, one.side, two.side, products, rule, everybody, (edges[at], edges[at + 1]))

        list(self.pool.map(work, range(self.threads)))

    def products(self, one: Operand, two: Operand) -> Array:
        """Products of two blocks, in memory that the next call overwrites."""
        return self.operands.products(one, two, self.buffer)

    def rule(self, met: Operand) -> _Rule:
        """Return the bound of the products with a block."""
        reach = float(np.sqrt(met.side.norms.max()))
        return _Rule(self.operands.scale**2, self.operands.terms, reach)


@compiled
def _meet_one(near: _Near, one: Side, i: int, two: Side, products: Array, rule: _Rule, open_: Array) -> None:
    error = slack(np.sqrt(one.norms[i]), rule.reach, rule.width)
    limit = limit_of(near.squares[i], one.norms[i], rule.scale, error)
    for start in range(0, len(products), STRETCH):
        looked = products[start : start + STRETCH]
        halves = two.halves[start : start + STRETCH]
        close = False
        for j in range(len(looked)):
            close |= (halves[j] - looked[j]) < limit
        if not close:
            continue
        for j in range(len(looked)):
            if halves[j] - looked[j] < limit and open_[start + j]:
                now, name = near.squares[i], two.names[start + j]
                gap = gap_of(one, i, two, start + j, np.nextafter(now, np.inf))
                if gap < now or (gap == now and name < near.who[i]):
                    near.squares[i], near.who[i] = gap, name
                    limit = limit_of(gap, one.norms[i], rule.scale, error)


@compiled
def _meet(
    near: _Near, one: Side, two: Side, products: Array, rule: _Rule, open_: Array, span: tuple[int, int]
) -> None:
    for i in range(span[0], span[1]):
        _meet_one(near, one, i, two, products[i], rule, open_)


@compiled
def _meet_before(near: _Near, side: Side, products: Array, rule: _Rule, reach: float, stays: Array) -> None:
    """Let every sample of a block meet those before it that stay, and decide whether it stays itself."""
    for i in range(len(stays)):
        _meet_one(near, side, i, side, products[i, :i], rule, stays)
        stays[i] = near.squares[i] > reach
