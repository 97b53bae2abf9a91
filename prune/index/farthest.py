"""Farthest-first: take the sample that is farthest from all centres, exactly, in few passes over the data.

One pass per centre is bound by memory. Instead, the farthest few hundred samples are set aside; while the
farthest of them is farther than every sample outside, it is the next centre of the plain loop too, because
distances only fall. All other samples meet the new centres together, in one matrix product (`lower`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prune.arrays import Array, Rows
from prune.index import kernels
from prune.index.space import EmbeddingSpace

CANDIDATES = (256, 1024)  # samples set aside; their products with one another take 4 MB at most
CENTRES = 256  # new centres a pass at most; more make the product no faster
SPREAD = 3  # candidates for each centre of the pass before: fewer end passes early, more cost products


@dataclass(frozen=True)
class Frame:
    """Where float32 products are taken: moved to the mean if that lies far off, scaled by a power of two.

    Neither changes which sample is near to which; both keep products from losing or leaving float32.
    """

    shift: Array | None  # (d,) float32, after scaling
    scale: float
    norms: Array  # (n,) float64, squared, in this frame

    def of(self, rows: Array) -> Array:
        """Return float32 rows in this frame; the rows themselves if nothing changes."""
        moved = rows if self.scale == 1.0 else rows * np.float32(self.scale)
        return moved if self.shift is None else moved - self.shift


@dataclass(frozen=True)
class Candidates:
    """The farthest samples, and how far the others are at most."""

    rows: Rows  # (m,), ascending
    nearest: Array  # (m,) float64
    owner: Array  # (m,) int64
    outside: tuple[float, int]  # the largest squared distance of the others; candidates before its first row


class Engine(Protocol):
    """Who holds the distances of all n samples to their nearest centre: the host, or a device."""

    centres: list[int]

    def take_out(self, rows: Rows) -> None:
        """Mark samples as centres."""

    def lower(self, rows: Rows) -> None:
        """Let all samples meet new centres."""

    def farthest(self, m: int) -> Candidates:
        """Set the m farthest samples aside, ties by lowest row."""

    def put(self, candidates: Candidates) -> None:
        """Take over the distances of candidates."""

    def products(self, candidates: Array) -> Array:
        """(m, m) float32 inner products of candidates in the frame."""

    def rest(self, count: int) -> Rows:
        """Return the lowest `count` rows that coincide with a centre."""


def farthest_first(space: EmbeddingSpace, k: int, given: Rows | None = None) -> tuple[Rows, Array]:
    """Choose k samples, each the farthest from those before it; ties by lowest row.

    Time O(n·k·d) as matrix products, or far less on clustered data; memory O(n) beyond the space.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n − given samples]``.
    given
        Samples that are centres already and are not chosen again. Without any, the first choice is the sample
        nearest to the mean.

    Returns
    -------
    (k,) rows, (k,) float64
        Rows in the order taken, and the distance of each to the nearest centre before it, which never rises;
        the first, if no centre came before it, has the distance of the sample farthest from it.
    """
    centre, spread = middle(space)
    frame = _frame(space, centre, spread)
    engine = _open(space, frame)
    first = np.array([np.argmin(spread)]) if given is None else np.unique(given)
    engine.take_out(first)
    for start in range(0, len(first), CENTRES):
        engine.lower(first[start : start + CENTRES])
    taken = _Taken(k) if given is not None else _Taken(k, int(first[0]), engine.farthest(1))
    m = CANDIDATES[0]
    while taken.count < k:
        candidates = engine.farthest(m)
        picks = _grow(space, frame, engine, candidates, min(CENTRES, k - taken.count))
        if not len(picks.rows):
            taken.add(engine.rest(k - taken.count), 0.0)
            break
        taken.add(picks.rows, picks.gaps)
        engine.put(candidates)
        if taken.count < k:
            engine.lower(picks.rows)
        m = int(np.clip(SPREAD * len(picks.rows), *CANDIDATES))
    return taken.rows, np.sqrt(taken.gaps)


def middle(space: EmbeddingSpace) -> tuple[Array, Array]:
    """Return the float64 mean of all rows, and the squared distance of every row to it."""
    total = np.zeros(space.d, np.float64)
    for _, block in space.blocks():
        kernels.add_rows(block, total)
    mean = total / space.n
    return mean, _distances(space, mean)


@dataclass
class _Picks:
    rows: Rows
    gaps: Array


class _Taken:
    """Rows and squared distances in the order taken."""

    def __init__(self, k: int, first: int | None = None, farthest: Candidates | None = None) -> None:
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


def _grow(space: EmbeddingSpace, frame: Frame, engine: Engine, candidates: Candidates, limit: int) -> _Picks:
    rows = space.take(candidates.rows)
    norms = frame.norms[candidates.rows]
    points = kernels.Points(rows, norms, candidates.nearest, candidates.owner)
    batch = kernels.Batch(
        rows, (norms / 2).astype(np.float32), 0.0, len(engine.centres), frame.scale * frame.scale
    )
    picks = np.empty(limit, np.int64)
    gaps = np.empty(limit, np.float64)
    count = kernels.grow(points, batch, engine.products(frame.of(rows)), candidates.outside, picks, gaps)
    return _Picks(candidates.rows[picks[:count]], gaps[:count])


def _distances(space: EmbeddingSpace, point: Array) -> Array:
    out = np.empty(space.n, np.float64)
    for span, block in space.blocks():
        kernels.distances(block, point, out[span])
    return out


def _frame(space: EmbeddingSpace, mean: Array, spread: Array) -> Frame:
    norms = _distances(space, np.zeros(space.d))
    far_off = float(mean @ mean) > 16.0 * float(spread.mean())
    point = mean.astype(np.float32) if far_off else None
    if point is not None:
        norms = _distances(space, point.astype(np.float64))
    exponent = int(np.frexp(np.sqrt(norms.max()))[1])
    scale = 1.0 if abs(exponent) < 30 else 2.0**-exponent
    return Frame(None if point is None else point * np.float32(scale), scale, norms * scale * scale)


def _open(space: EmbeddingSpace, frame: Frame) -> Engine:
    if space.device == "cpu":
        from prune.index.host import Host

        return Host(space, frame)
    from prune.index.device import Device

    return Device(space, frame)
