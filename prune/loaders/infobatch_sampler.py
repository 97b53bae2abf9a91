"""InfoBatch: easy samples are skipped by chance, and the others weigh as much more; by the live loss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from prune.core.arrays import Rows, Scores, Weights
from prune.core.errors import OptionError
from prune.loaders.option_checks import whole_number
from prune.loaders.ranks import Even
from prune.loaders.row_sampler import RowSampler, digest_of, taking_part
from prune.steps.schedules.rules import first_epochs

_START = 3.0  # the loss of a sample that was not seen yet


class InfoBatchSampler(RowSampler):
    """Skips samples whose loss is below the mean with probability r; those that are left weigh 1 / (1 − r).

        sampler = InfoBatchSampler(len(dataset), epochs=200)
        loader = DataLoader(weighted(numbered(dataset)), batch_size=128, sampler=sampler)
        for x, y, row, weight in loader:
            losses = cross_entropy(model(x), y, reduction="none")
            sampler.observe(row, losses)
            (losses * weight).mean().backward()

    On average the sum of the gradients over an epoch is that of all samples. Take the mean of the weighted
    losses, and do not divide by the sum of the weights. In the last epochs nothing is skipped, which takes
    out what is left of the bias.

    With several ranks, give `observe` what all of them have seen, on each (`accelerate.gather`): they draw
    the same then.

    Qin, Wang, Zheng, Gu, Peng, Xu, Zhou, Shang, Sun, Xie & You, "InfoBatch: Lossless Training Speed Up by
    Unbiased Dynamic Data Pruning", ICLR 2024, arXiv:2303.04947.

    Parameters
    ----------
    rows
        How many samples there are, or the rows that take part, such as `SelectionSampler(…).rows`.
    epochs
        Of the whole training.
    ratio
        r, how likely a sample below the mean is skipped, in ``[0, 1)``.
    delta
        Part of the epochs in which samples are skipped, in ``[0, 1]``.
    shuffle, seed, rank, world, even
        As for `RowSampler`.

    Raises
    ------
    OptionError
        A value is out of range.
    """

    def __init__(
        self,
        rows: int | Rows,
        *,
        epochs: int,
        ratio: float = 0.5,
        delta: float = 0.875,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        even: Even = "no",
    ) -> None:
        super().__init__(shuffle=shuffle, seed=seed, rank=rank, world=world, even=even)
        if not 0 <= ratio < 1 or not 0 <= delta <= 1:
            raise OptionError(
                f"ratio={ratio}, delta={delta} are out of range",
                "ratio in [0, 1), delta in [0, 1]: ratio=0.5, delta=0.875",
            )
        self.rows = taking_part(rows)
        self.epochs, self.ratio, self.delta = whole_number("epochs", epochs, 1), ratio, delta
        self.losses: Scores = np.full(len(self.rows), _START, np.float32)
        self._drawn: tuple[int, Rows, Weights | None] | None = None  # the epoch that the rows are of

    @cached_property
    def identity(self) -> str:
        """Stands for the rows, the options and the seed."""
        return f"{digest_of(self.rows)}-{self.epochs}-{self.ratio}-{self.delta}-{self.seed}-{self.shuffle}"

    @property
    def skipped(self) -> int:
        """How many samples the current epoch leaves out."""
        return len(self.rows) - self.count(self.epoch)

    def observe(self, rows: Any, losses: Any) -> None:
        """Note the losses of a batch; from the next epoch on they count.

        Raises
        ------
        OptionError
            A row is none of the sampler's, or a loss is no number.
        """
        self._draw(self.epoch)  # by what was known before it
        which = np.asarray(torch.as_tensor(rows).cpu(), np.int64)
        values = torch.as_tensor(losses).detach().float().cpu().numpy()
        at = np.minimum(np.searchsorted(self.rows, which), len(self.rows) - 1)
        if which.shape != values.shape or (self.rows[at] != which).any():
            raise OptionError(
                f"observe was given rows {which.shape} and losses {values.shape}, or rows of other samples",
                "observe(rows, losses): one loss a sample (reduction='none'), and its row: numbered(dataset)",
            )
        if not np.isfinite(values).all():
            bad = which[~np.isfinite(values)][0]
            raise OptionError(f"the loss of row {bad} is no finite number", "a lower learning rate")
        self.losses[at] = values

    def count(self, epoch: int) -> int:
        """Return how many samples an epoch has, by the losses known so far."""
        return len(self._draw(epoch)[0])

    def rows_of(self, epoch: int) -> tuple[Rows, Weights | None]:
        """Return the samples of an epoch and their weights; the same until the epoch is over."""
        return self._draw(epoch)

    def state_dict(self, taken: int | None = None) -> dict[str, Any]:
        """Return where the training stands, with the losses and the set of this epoch."""
        state = super().state_dict(taken)
        state["losses"] = torch.from_numpy(self.losses.copy())
        if state["epoch"] == self.epoch:
            rows, weights = self._draw(self.epoch)
            state["rows"] = torch.from_numpy(rows.copy())
            state["weights"] = None if weights is None else torch.from_numpy(weights.copy())
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        super().load_state_dict(state)
        self.losses, self._drawn = state["losses"].numpy().copy(), None
        if "rows" in state:
            weights = state["weights"]
            held = None if weights is None else weights.numpy()
            self._drawn = (self.epoch, state["rows"].numpy(), held)

    def _draw(self, epoch: int) -> tuple[Rows, Weights | None]:
        if self._drawn is None or self._drawn[0] != epoch:
            self._drawn = (epoch, *self._chosen(epoch))
        return self._drawn[1:]

    def _chosen(self, epoch: int) -> tuple[Rows, Weights | None]:
        if epoch >= first_epochs(self.delta, self.epochs) or self.ratio == 0:
            return self.rows, None
        below = self.losses < self.losses.mean(dtype=np.float64)
        draw = np.random.default_rng([self.seed, epoch, 2]).random(len(self.rows))
        kept = ~below | (draw >= self.ratio)
        weights = np.where(below, 1 / (1 - self.ratio), 1).astype(np.float32)
        return self.rows[kept], weights[kept]
