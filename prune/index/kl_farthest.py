"""Farthest-first among distributions under the symmetric KL divergence, exactly, in few passes.

As in farthest-first among points, the farthest few hundred are set aside, and while the farthest of them is
farther than all others it is the next of the plain loop too. Nothing here needs the triangle inequality.
"""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Probs, Rows
from prune.index import kl_farthest_kernels as kernels
from prune.index.space import Sums
from prune.system.executors.threads import threads

CENTRES = 256  # that a pass brings at most
CANDIDATES = (64, 768)  # set aside; their products with one another take 2 MB at most
SPREAD = 3  # candidates for each centre of the pass before
NUMBERS = 2**19  # of a block of samples


class Predictions:
    """Distributions with the logarithms of their smoothed probabilities, a block at a time.

    Parameters
    ----------
    probs : (n, c)
        At least 0, finite, each row with something in it.
    smoothing
        Added to every probability before rows are divided by their sums.
    """

    def __init__(self, probs: Probs, smoothing: float) -> None:
        self.probs, self.smoothing = probs, smoothing
        self.n, self.c = probs.shape
        self.step = max(1, min(NUMBERS // self.c, self.n))
        self.own = np.empty(self.n, np.float64)  # Σ p ln p
        self.reach = np.empty(self.n, np.float64)  # the largest |ln p|
        self.mean = np.zeros(self.c, np.float64)
        for span in self.spans():
            rows = self.take(span)
            kernels.describe(rows, self.own[span], self.reach[span], self.mean)
        self.mean /= self.n

    def spans(self) -> list[slice]:
        """All samples, in blocks."""
        return [slice(start, min(start + self.step, self.n)) for start in range(0, self.n, self.step)]

    def take(self, which: slice | Rows) -> Array:
        """(b, 2c) float32 probabilities, then their logarithms."""
        return joined(self.probs[which].astype(np.float32) + np.float32(self.smoothing))


def joined(masses: Array) -> Array:
    """(b, 2c) float32: rows divided by their sums, then the logarithms of that."""
    shares = (masses / masses.sum(axis=1, dtype=np.float64, keepdims=True)).astype(np.float32)
    return np.concatenate([shares, np.log(shares)], axis=1)


def farthest_by_divergence(predictions: Predictions, k: int, given: Rows) -> tuple[Rows, Sums]:
    """Choose k samples, each the one whose divergence from the nearest before it is largest.

    ``J(p, q) = ½ KL(p‖q) + ½ KL(q‖p) = ½ Σ (p − q)(ln p − ln q)``, as float64 sums of float32 numbers. Ties
    to the lower row; samples that coincide with one before come last. Without given samples the first is the
    one nearest to the mean distribution; its gain is the divergence of the sample farthest from it.
    """
    search = _Search(predictions)
    rows: list[int] = []
    gains: list[float] = []
    for start in range(0, len(given), CENTRES):
        search.lower(given[start : start + CENTRES])
    if not len(given):
        rows.append(search.central())
        search.lower(np.array(rows))
        gains.append(max(float(search.nearest.max()), 0.0))
    size = CANDIDATES[0]
    while len(rows) < k and search.nearest.max() > 0:
        picks, gaps = search.grow(size, min(CENTRES, k - len(rows)))
        rows += picks.tolist()
        gains += gaps.tolist()
        size = int(np.clip(SPREAD * len(picks), *CANDIDATES))
        if len(rows) < k:
            search.lower(picks)
    rest = np.flatnonzero(search.nearest != kernels.TAKEN)[: k - len(rows)]
    return np.array([*rows, *rest.tolist()], np.int64), np.array([*gains, *[0.0] * len(rest)])


class _Search:
    """The divergence of every sample from the nearest chosen one."""

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        self.nearest = np.full(predictions.n, np.inf)

    def central(self) -> int:
        mean = joined(self.predictions.mean[None])[0]
        gaps = np.empty(self.predictions.n)
        for span in self.predictions.spans():
            kernels.divergences(self.predictions.take(span), mean, gaps[span])
        return int(np.argmin(gaps))

    def lower(self, rows: Rows) -> None:
        """Let all samples meet new centres."""
        self.nearest[rows] = kernels.TAKEN
        centres = self._centres(rows)
        flipped = np.roll(centres.rows, self.predictions.c, axis=1).T

        def meet(span: slice) -> None:
            block = self.predictions.take(span)
            kernels.lower(self._points(block, span), centres, block @ flipped)

        with threads() as pool:
            list(pool.map(meet, self.predictions.spans()))

    def grow(self, size: int, most: int) -> tuple[Rows, Sums]:
        """Take the farthest again and again while no sample outside the farthest `size` can be farther."""
        n = len(self.nearest)
        edge = np.partition(self.nearest, n - 1 - size)[n - 1 - size] if size < n else -np.inf
        rows = np.flatnonzero(self.nearest > max(edge, 0.0))
        if not len(rows):  # a plateau: the first of it
            rows = np.array([np.argmax(self.nearest)])
            return rows, self.nearest[rows]
        centres = self._centres(rows)
        flipped = np.roll(centres.rows, self.predictions.c, axis=1).T
        points = kernels.KlPoints(
            centres.rows, self.predictions.own[rows], self.predictions.reach[rows], self.nearest[rows]
        )
        with threads():
            crossed = centres.rows @ flipped
        picks, gaps = np.empty(most, np.int64), np.empty(most)
        count = kernels.grow(points, centres, crossed, max(edge, 0.0), picks, gaps)
        return rows[picks[:count]], gaps[:count]

    def _centres(self, rows: Rows) -> kernels.Centres:
        found = self.predictions
        return kernels.Centres(
            found.take(rows), found.own[rows].astype(np.float32), float(found.reach[rows].max())
        )

    def _points(self, block: Array, span: slice) -> kernels.KlPoints:
        found = self.predictions
        return kernels.KlPoints(block, found.own[span], found.reach[span], self.nearest[span])
