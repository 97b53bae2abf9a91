"""MILO: sets that stand for the data at first, then sets that lean to what is unlike the rest."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.index.space import Space
from prune.selectors.disparity_min import disparity_min
from prune.selectors.graph_cut import graph_cut
from prune.steps.schedules.rules import first_epochs, require_epoch, require_phase, require_sizes

LAM = 0.4  # of graph cut, on the sum within the set, as the paper writes it; ours is its inverse
EPSILON = 0.01  # of the stochastic greedy search
PHASE = 1 / 6  # of the epochs


class Milo:
    """Stochastic-greedy graph-cut sets, then weighted random exploration by disparity-min.

    First (SGE), each epoch has the set of a greedy search for graph cut that looks at a few random samples a
    step: easy sets that stand for the data, another one each epoch. Then (WRE) each draws without
    replacement, with odds ``1 + g + g²/2``, where g is the distance ``(1 − cos) / 2`` at which a
    farthest-first pass took the sample: copies have odds 1, what is opposite to all before it 2.5. Both go
    class by class, with shares in proportion to the classes.

    Time of the first phase O(n·d·ln(1/ε)) an epoch; of the second O(n_c²·d) a class, once. No model is
    trained, and none looked at: an embedding is all it needs.

    Killamsetty, Evfimievski, Pedapati, Kate, Popa & Iyer, "MILO: Model-Agnostic Subset Selection Framework
    for Efficient Model Training and Tuning", arXiv:2301.13287.

    Differs: g belongs to the sample and not to its place in the order, which published code confuses; it is
    the value that disparity-min falls to when the sample is taken, not the (negative) fall itself.

    Parameters
    ----------
    groups
        Rows of each class, and how many of them an epoch has.
    space
        Gives the embeddings of rows.
    epochs, seed
        As for `RandomSubsets`.
    phase
        Part of the epochs that the first phase has, rounded up.
    """

    def __init__(
        self,
        groups: Sequence[tuple[Rows, int]],
        space: Callable[[Rows], Space],
        epochs: int,
        *,
        seed: int = 0,
        phase: float = PHASE,
    ) -> None:
        self.groups, self.epochs, self.seed = list(groups), epochs, seed
        self.k = sum(share for _, share in self.groups)
        require_sizes(sum(len(rows) for rows, _ in self.groups), self.k, epochs)
        self.first = first_epochs(require_phase(phase), epochs)
        self._space = functools.cache(lambda at: space(self.groups[at][0]))
        self.odds = functools.cache(self._found_odds)  # of the rows of a group, in the second phase

    def rows_of(self, epoch: int) -> Rows:
        """(k,) ascending rows of an epoch, from 0."""
        require_epoch(epoch, self.epochs)
        draw = self._stochastic if epoch < self.first else self._explored
        return np.sort(np.concatenate([rows[draw(epoch, at)] for at, (rows, _) in enumerate(self.groups)]))

    def _found_odds(self, at: int) -> npt.NDArray[np.float64]:
        space = self._space(at)
        taken = disparity_min(space, k=space.n)
        gaps = np.empty(space.n, np.float64)
        gaps[taken.rows] = taken.gains.astype(np.float64) ** 2 / 4  # of √(2 − 2·cos)
        return 1 + gaps + gaps**2 / 2

    def _stochastic(self, epoch: int, at: int) -> Rows:
        seed = int(np.random.SeedSequence([self.seed, epoch, at]).generate_state(1, np.uint64)[0])
        k = self.groups[at][1]
        found = graph_cut(self._space(at), k=k, seed=seed, lam=1 / LAM, greedy="stochastic", epsilon=EPSILON)
        return found.rows

    def _explored(self, epoch: int, at: int) -> Rows:
        """Draw one after the other by the odds; the largest of log-odds and Gumbel noise are just that."""
        odds = self.odds(at)
        noise = np.random.default_rng([self.seed, epoch, at]).gumbel(size=len(odds))
        return np.argsort(-(np.log(odds) + noise), kind="stable")[: self.groups[at][1]]
