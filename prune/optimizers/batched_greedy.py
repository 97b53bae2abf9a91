"""Exact greedy for sums of pairs: guess the next picks among a few candidates, then check all others at once.

One pass over the samples per pick is bound by memory. Instead, the loop runs ahead among the few hundred
samples that came nearest to winning; one matrix product then tells of all others whether any would have won
on the way. Picks before the first such step are those of the plain loop, whatever the sign of the sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.index.space import BLOCK, Block, Sums
from prune.optimizers.int8_screening import Codes, codes_fit
from prune.optimizers.pair_sums import ProductSums, TableSums, rounded
from prune.system.compilation import compiled

NOISE = 2e-5  # of the largest pair: what float32 products may be off by when 2,048 of them are added
FRESH = 2048  # picks after which the scores are computed anew, in float64
GUESSES = (16, 192, 1024)  # picks guessed at a time: least, most by matrix products, most by bounds
CANDIDATES = (512, 4096)
WORTH = 1 / 8  # samples left by the bounds for which they are better than the whole product
POOR = (8, 40)  # guesses that must come true to be worth a product: against rows one by one, against bytes
PATIENCE = 3  # batches running that may be poor
SINGLES = 512  # samples taken plainly before guesses are tried again
RETRY = 8  # batches before the bounds are tried again


def follow(function: ProductSums | TableSums, k: int, taken: Rows) -> tuple[Rows, Sums]:
    """Take k times the sample of the largest gain, ties by lower row; `function` is used up.

    Time O(n·k·width) as matrix products at worst, a few passes over the samples where gains of products
    differ by more than a batch of picks moves them; memory O(n·192), or what the space allows.

    Returns
    -------
    (k,) rows, (k,) float64 gains, in the order taken.
    """
    run = _Run(function, k, taken)
    while run.count < k:
        run.advance()
    return run.rows, run.gains


@dataclass
class _Guess:
    rows: Rows  # (s,)
    gains: Sums  # (s,)
    products: Block  # (s, s) pairs of the picks with one another


class _Run:
    def __init__(self, function: ProductSums | TableSums, k: int, taken: Rows) -> None:
        self.function, self.k, self.count = function, k, 0
        self.exact = function if isinstance(function, ProductSums) else None
        self.rows, self.gains = np.empty(k, np.int64), np.empty(k, np.float64)
        self.worth = POOR[self.exact is not None and codes_fit(self.exact)]
        self.free = np.ones(function.n, np.bool_)
        self.free[taken] = False
        start = function.now if isinstance(function, TableSums) else function.gains(np.arange(function.n))
        self.scores = np.where(self.free, start, -np.inf)
        self.gap = np.full(function.n, np.inf)  # how near each came to winning in the last batch
        self.noise = 2 * function.quantum + (0.0 if self.exact is None else NOISE * function.scale)
        self.size, self.since_fresh, self.since_bounds, self.poor = GUESSES[0], 0, RETRY, 0

    def advance(self) -> None:
        """Take at least one sample."""
        if self.poor >= PATIENCE:
            self._plainly()
            return
        by_bounds = self.exact is not None and self.since_bounds >= RETRY
        most = GUESSES[2] if by_bounds else self._most_by_products()
        rows = self._candidates()
        guess = self._guess(rows, min(self.size, most, self.k - self.count, len(rows)))
        self.gap[self.free] = np.inf if not by_bounds else self.gap[self.free]
        accepted = self._check_by_bounds(guess, rows) if by_bounds else None
        if accepted is None:
            self.since_bounds = 0 if by_bounds else self.since_bounds + 1
            cut = slice(self._most_by_products())
            guess = _Guess(guess.rows[cut], guess.gains[cut], guess.products[cut, cut])
            accepted = self._check_by_products(guess, rows)
            self.poor = self.poor + 1 if accepted < self.worth else 0
        if accepted:
            self._take(guess.rows[:accepted], guess.gains[:accepted])
        else:
            self._take_best()
        self.size = int(np.clip(2 * accepted, GUESSES[0], GUESSES[2]))
        if self.exact is not None and self.since_fresh >= FRESH and self.count < self.k:
            self.scores = np.where(self.free, self.exact.gains(np.arange(self.exact.n)), -np.inf)
            self.since_fresh = 0

    def _candidates(self) -> Rows:
        m = int(np.clip(6 * self.size, *CANDIDATES))
        if m >= len(self.scores):
            return np.flatnonzero(self.free)
        best = np.argpartition(-self.scores, m // 2)[: m // 2]
        near = np.argpartition(self.gap, m // 2)[: m // 2]
        rows = np.union1d(best, near)
        return rows[self.free[rows]]

    def _guess(self, rows: Rows, limit: int) -> _Guess:
        """Run the loop among candidates (ascending)."""
        pairs = self.function.pairs(rows, rows)
        scores, slope = self.scores[rows], self.function.slope[rows]
        gap = np.full(len(rows), np.inf)
        trial = None if self.exact is None else self.exact.copy()
        at, gains = np.empty(limit, np.int64), np.empty(limit, np.float64)
        for step in range(limit):
            at[step], gains[step] = self._best(scores, rows, trial)
            np.minimum(gap, gains[step] - scores, out=gap)
            if trial is not None:
                trial.add(int(rows[at[step]]))
            scores += slope
            scores += self.function.coefficient * pairs[at[step]]
            scores[at[step]] = -np.inf
        self._gap_of_candidates = gap
        return _Guess(rows[at], gains, pairs[np.ix_(at, at)])

    def _best(self, scores: Sums, rows: Rows, state: ProductSums | None) -> tuple[int, float]:
        """Return the position and the value of the largest score, ties by lower position."""
        best = float(scores.max())
        close = np.flatnonzero(scores >= best - self.noise)
        exact = rounded(scores[close], self.function.quantum) if state is None else state.gains(rows[close])
        first = int(exact.argmax())
        return int(close[first]), float(exact[first])

    def _check_by_products(self, guess: _Guess, candidates: Rows) -> int:
        """Return how many picks no sample outside would have beaten, and let all meet those."""
        n, s = self.function.n, len(guess.rows)
        others = self.scores.copy()
        others[candidates] = -np.inf
        limits = guess.gains - self.noise
        hits = np.zeros(s, np.int64)
        gap = np.full(n, np.inf)
        kept = []
        for start in range(0, n, BLOCK):
            span = slice(start, min(start + BLOCK, n))
            pairs = self.function.pairs(guess.rows, span)
            kept.append(pairs)
            _meet(
                pairs,
                others[span],
                self.function.slope[span],
                self.function.coefficient,
                limits,
                hits,
                gap[span],
            )
        accepted = int(np.argmax(hits > 0)) if hits.any() else s
        for start, pairs in zip(range(0, n, BLOCK), kept, strict=True):
            self._lower(slice(start, start + pairs.shape[1]), pairs[:accepted])
        self.gap = gap
        self.gap[candidates] = self._gap_of_candidates
        return accepted

    def _check_by_bounds(self, guess: _Guess, candidates: Rows) -> int | None:
        """Do the same, told by one product with the sum of the picks; None if that leaves too many open.

        After t of s picks the score of a sample is that on the straight line from before to after all s,
        give or take ``|coefficient|·‖Σ_t − (t/s)·Σ_s‖·‖x‖``.
        """
        assert self.exact is not None
        s = len(guess.rows)
        change = s * self.exact.slope
        change += self.exact.coefficient * self.exact.space.dot(self._sum(guess.rows))
        share, limits = _hull(np.arange(s) / s, guess.gains - self.noise - self._strays(guess))
        gap = np.full(self.exact.n, np.inf)
        for at, limit in zip(share, limits, strict=True):
            np.minimum(gap, limit - (self.scores + at * change), out=gap)
        gap[candidates] = np.inf
        left = np.flatnonzero(gap <= 0)
        if len(left) > WORTH * self.exact.n:
            return None
        accepted = self._first_beaten(guess, left)
        if accepted < s:
            change = accepted * self.exact.slope
            change += self.exact.coefficient * self.exact.space.dot(self._sum(guess.rows[:accepted]))
        self.scores += change
        gap[candidates] = self._gap_of_candidates
        self.gap = gap
        return accepted

    def _first_beaten(self, guess: _Guess, left: Rows) -> int:
        hits = np.zeros(len(guess.rows), np.int64)
        limits = guess.gains - self.noise
        for start in range(0, len(left), BLOCK):
            some = left[start : start + BLOCK]
            pairs = self.function.pairs(guess.rows, some)
            _meet(
                pairs,
                self.scores[some],
                self.function.slope[some],
                self.function.coefficient,
                limits,
                hits,
                np.empty(len(some)),
            )
        return int(np.argmax(hits > 0)) if hits.any() else len(hits)

    def _strays(self, guess: _Guess) -> Sums:
        """(s,) how far a score may be off the straight line before each pick."""
        assert self.exact is not None
        s = len(guess.rows)
        sums = np.zeros((s + 1, s + 1))
        sums[1:, 1:] = guess.products.cumsum(0, dtype=np.float64).cumsum(1)
        share = np.arange(s) / s
        squares = np.diagonal(sums)[:-1] - 2 * share * sums[:-1, -1] + share**2 * sums[-1, -1]
        strays: Sums = abs(self.exact.coefficient) * self.exact.reach * np.sqrt(np.maximum(squares, 0))
        return strays * (1 + 1e-5)

    def _sum(self, rows: Rows) -> npt.NDArray[np.float64]:
        assert self.exact is not None
        return self.exact.space.subset(rows).sum()

    def _lower(self, span: slice, pairs: Block) -> None:
        self.scores[span] += len(pairs) * self.function.slope[span]
        self.scores[span] += self.function.coefficient * pairs.sum(0, dtype=np.float64)

    def _take(self, rows: Rows, gains: Sums) -> None:
        span = slice(self.count, self.count + len(rows))
        self.rows[span], self.gains[span] = rows, gains
        self.free[rows] = False
        self.scores[rows] = -np.inf
        self.gap[rows] = np.inf
        if self.exact is not None:
            for row in rows.tolist():
                self.exact.add(row)
        self.count = span.stop
        self.since_fresh += len(rows)

    def _plainly(self) -> None:
        """Take one sample after the other, since guesses are worth little: by bytes, or a row at a time."""
        if self.exact is not None and codes_fit(self.exact):
            left = slice(self.count, self.k)
            self.rows[left], self.gains[left] = Codes(self.exact, self.free).take(self.k - self.count)
            self.count = self.k
            return
        for _ in range(min(SINGLES, self.k - self.count)):
            self._take_best()
        self.poor = 0

    def _take_best(self) -> None:
        """Take one sample, the best of all, and let all meet it."""
        row, gain = self._best(self.scores, np.arange(self.function.n), self.exact)
        self._take(np.array([row]), np.array([gain]))
        for start in range(0, self.function.n, BLOCK):
            span = slice(start, min(start + BLOCK, self.function.n))
            self._lower(span, self.function.pairs(np.array([row]), span))

    def _most_by_products(self) -> int:
        room = self.function.memory // 4 // (4 * self.function.n)
        return int(np.clip(room, 1, GUESSES[1]))


@compiled
def _meet(
    pairs: Block, scores: Sums, slope: Sums, coefficient: float, limits: Sums, hits: Rows, gap: Sums
) -> None:
    """Count at every step the scores that reach the limit; `scores` end after the last step."""
    for step in range(len(limits)):
        limit, count = limits[step], 0
        row = pairs[step]
        for j in range(len(scores)):
            count += scores[j] >= limit
            gap[j] = min(gap[j], limit - scores[j])
            scores[j] += slope[j] + coefficient * row[j]
        hits[step] += count


def _hull(x: Sums, y: Sums) -> tuple[Sums, Sums]:
    """Return the corners of the lower convex hull; a line below these is below all points."""
    corners: list[int] = []
    for i in range(len(x)):
        while len(corners) > 1:
            a, b = corners[-2], corners[-1]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            corners.pop()
        corners.append(i)
    return x[corners], y[corners]
