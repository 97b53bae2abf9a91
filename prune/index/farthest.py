"""Farthest-first: take the sample that is farthest from all centres, exactly, in few passes over the data.

One pass per centre is bound by memory. Instead, the farthest few hundred samples are set aside; while the
farthest of them is farther than every sample outside, it is the next centre of the plain loop too, because
distances only fall. All other samples meet the new centres together, in one matrix product (`lower`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index import farthest_kernels
from prune.index.blocks import Operand, Operands, Vectors, batch_of, operands_of, points_of
from prune.index.farthest_candidates import FarthestCandidates
from prune.index.gradients import GradientSpace
from prune.index.product_bounds import UNIT
from prune.index.product_frame import frame_of, middle
from prune.index.space import BLOCK, Space

CANDIDATES = (256, 1024)  # samples set aside; their products with one another take 4 MB at most
CENTRES = 256  # new centres a pass at most; more make the product no faster
SPREAD = 3  # candidates for each centre of the pass before: fewer end passes early, more cost products


class Engine(Protocol):
    """Who holds the distances of all n samples to their nearest centre: the CPU, or a device."""

    centres: list[int]

    def take_out(self, rows: Rows) -> None:
        """Mark samples as centres."""

    def lower(self, rows: Rows) -> None:
        """Let all samples meet new centres."""

    def farthest(self, m: int) -> FarthestCandidates:
        """Set the m farthest samples aside, ties by lowest row."""

    def put(self, candidates: FarthestCandidates) -> None:
        """Take over the distances of candidates."""

    def products(self, candidates: Operand) -> Array:
        """(m, m) float32 inner products of candidates in the frame."""

    def rest(self, count: int) -> Rows:
        """Return the lowest `count` rows that coincide with a centre."""


def farthest_first(
    space: Space, k: int, given: Rows | None = None, first: int | None = None
) -> tuple[Rows, Array]:
    """Choose k samples, each the farthest from those before it; ties by lowest row.

    Time O(n·k·width) as matrix products, or far less on clustered data; memory O(n) beyond the space.
    Distances of gradients come from float64 products of their factors, so that no product e hᵀ is formed.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n − given samples]``.
    given
        Samples that are centres already and are not chosen again.
    first
        Is chosen first where none are given; default: the sample nearest to the mean.

    Returns
    -------
    (k,) rows, (k,) float64
        Rows in the order taken, and the distance of each to the nearest centre before it, which never rises;
        the first, if no centre came before it, has the distance of the sample farthest from it.
    """
    operands, centres = _opened(space, given, first)
    engine = _engine(space, operands)
    engine.take_out(centres)
    for start in range(0, len(centres), CENTRES):
        engine.lower(centres[start : start + CENTRES])
    taken = _Taken(k) if given is not None else _Taken(k, int(centres[0]), engine.farthest(1))
    m = CANDIDATES[0]
    while taken.count < k:
        candidates = engine.farthest(m)
        picks = _grow(operands, engine, candidates, min(CENTRES, k - taken.count))
        if not len(picks.rows):
            taken.add(engine.rest(k - taken.count), 0.0)
            break
        taken.add(picks.rows, picks.gaps)
        engine.put(candidates)
        if taken.count < k:
            engine.lower(picks.rows)
        m = int(np.clip(SPREAD * len(picks.rows), *CANDIDATES))
    return taken.rows, np.sqrt(taken.gaps)


@dataclass
class _Picks:
    rows: Rows
    gaps: Array


class _Taken:
    """Rows and squared distances in the order taken."""

    def __init__(self, k: int, first: int | None = None, farthest: FarthestCandidates | None = None) -> None:
        self.rows = np.empty(k, np.int64)
        self.gaps = np.zeros(k, np.float64)
        self.count = 0
        if first is not None and farthest is not None:
            self.add(np.array([first]), max(float(farthest.nearest[0]), 0.0))

    def add(self, rows: Rows, gaps: Array | float) -> None:
        """Append rows."""
        span = slice(self.count, self.count + len(rows))
        self.rows[span], self.gaps[span] = rows, gaps
        self.count = span.stop


def _grow(operands: Operands, engine: Engine, candidates: FarthestCandidates, limit: int) -> _Picks:
    block = operands.load(candidates.rows)
    points = points_of(block, candidates.nearest, candidates.owner)
    batch = batch_of(operands, block, len(engine.centres))
    picks = np.empty(limit, np.int64)
    gaps = np.empty(limit, np.float64)
    count = farthest_kernels.grow(points, batch, engine.products(block), candidates.outside, picks, gaps)
    return _Picks(candidates.rows[picks[:count]], gaps[:count])


def nearest_to_mean(space: Space) -> int:
    """Return the row of the sample nearest to the mean of all, ties by lower row."""
    if isinstance(space, GradientSpace):
        return _gradient_nearest_to_mean(space)
    return int(np.argmin(middle(space.coordinates())[1]))


def _opened(space: Space, given: Rows | None, first: int | None) -> tuple[Operands, Rows]:
    """Return the samples in the frame of their products, and the centres to start from."""
    centres = None if given is None else np.unique(given)
    if centres is None and first is not None:
        centres = np.array([first])
    if isinstance(space, GradientSpace):
        return operands_of(space), np.array([nearest_to_mean(space)]) if centres is None else centres
    vectors = space.coordinates()
    centre, spread = middle(vectors)
    centres = np.array([np.argmin(spread)]) if centres is None else centres
    return Vectors(vectors, frame_of(vectors, centre, spread)), centres


def _engine(space: Space, operands: Operands) -> Engine:
    if space.device == "cpu" or not isinstance(operands, Vectors):
        from prune.index.farthest_cpu import Host

        return Host(operands)
    from prune.index.farthest_cuda import DeviceVectors

    return DeviceVectors(operands.space, operands.frame)


def _gradient_nearest_to_mean(space: GradientSpace) -> int:
    """Find the gradient nearest to the mean of all.

    float32 products leave a few rows, float64 ones decide.
    """
    mean = space.sum() / space.n
    squares = space.squared_norms()
    length = float(np.sqrt(np.vdot(mean, mean)))
    spread = squares - 2 * space.dot(mean)
    doubt = 4 * (space.width + 16) * UNIT * np.sqrt(squares) * length
    rows = np.flatnonzero(spread - doubt <= (spread + doubt).min())
    best, row = np.inf, int(rows[0])
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        errors, features = space.factors(some)
        mixed = errors.astype(np.float64) @ mean
        inner = np.einsum("bd,bd->b", mixed[:, :-1], features) + mixed[:, -1]
        exact = squares[some] - 2 * inner
        at = int(exact.argmin())
        if exact[at] < best:
            best, row = float(exact[at]), int(some[at])
    return row
