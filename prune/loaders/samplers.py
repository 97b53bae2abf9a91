"""The sampler of a selection: its rows of the original dataset, and what becomes of their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows, Weights
from prune.core.errors import OptionError
from prune.loaders.option_checks import one_of
from prune.loaders.ranks import Even
from prune.loaders.row_sampler import RowSampler
from prune.loaders.selected import first_of, home_of, whole_selection
from prune.loaders.weighted_dataset import positions_in
from prune.store import Store, identity

WeightUse = Literal["handed", "drawn", "ignored"]


class SelectionSampler(RowSampler):
    """A sampler over the kept rows of the original dataset: nothing is copied.

        sampler = SelectionSampler(".prune", fraction=0.1)
        loader = DataLoader(dataset, batch_size=128, sampler=sampler)

    `dataset` is any map-style dataset of all the data, in the order that prune has read it.

    Parameters
    ----------
    source
        A store; or a folder that `prune export` wrote, in whatever form.
    selection
        Its name in the store; default: the latest.
    fraction, count
        Only the samples taken first, as many as this fraction of all, or so many; of selections that are
        nested.
    weights
        What becomes of the weights of a selection that has some. `handed`: each row carries its own
        (`WeightedRow`), and `weighted(dataset)` gives it with the sample. `drawn`: an epoch has as many rows
        as before, each as often as its weight asks for, and the loss needs no weights. `ignored`: each once.
    dataset
        What the rows are to be rows of: its length is checked, and its `targets`, if it has them. One that
        knows its files, as torchvision's `ImageFolder` does, may be in another order: rows are then its own.
    shuffle, seed, rank, world, even
        As for `RowSampler`.

    Raises
    ------
    OptionError
        The selection has weights, and nobody said what becomes of them; it has no such fraction; or the
        dataset is another one, or in another order without names.
    StoreError
        There is no such selection, or it is stale or damaged.
    """

    def __init__(
        self,
        source: Store | str | Path = ".prune",
        selection: str | None = None,
        *,
        fraction: str | float | None = None,
        count: int | None = None,
        weights: WeightUse | None = None,
        dataset: Any = None,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        even: Even = "no",
    ) -> None:
        super().__init__(shuffle=shuffle, seed=seed, rank=rank, world=world, even=even)
        chosen = first_of(whole_selection(home_of(source), selection), fraction, count)
        self.rows: Rows = chosen.rows
        self.weights: Weights | None = chosen.weights
        self._use = _use(chosen.name, self.weights, weights)
        self._identity = identity(
            {"keys": chosen.about["keys_sha256"], "k": len(self.rows), "use": self._use, "seed": seed}
            | {"shuffle": shuffle, "weights": None if self.weights is None else self.weights.tolist()}
        )
        places = None if dataset is None else positions_in(dataset, chosen.manifest.select(["key", "label"]))
        if places is not None:
            order = np.argsort(places[self.rows])
            self.rows = places[self.rows][order]
            self.weights = None if self.weights is None else self.weights[order]

    @property
    def identity(self) -> str:
        """Stands for the kept samples, their weights, and the seed."""
        return self._identity

    def count(self, epoch: int) -> int:
        """Return how many samples the selection has, also where they are drawn by weight."""
        del epoch
        return len(self.rows)

    def rows_of(self, epoch: int) -> tuple[Rows, Weights | None]:
        """Return the rows of the selection; by weight, those that the epoch has drawn, some repeatedly."""
        if self.weights is None or self._use == "ignored":
            return self.rows, None
        if self._use == "handed":
            return self.rows, self.weights
        return self.rows[_drawn(self.weights, self.seed, epoch)], None


def _drawn(weights: Weights, seed: int, epoch: int) -> Rows:
    """Draw as many positions as there are weights, each in proportion to its own.

    Systematic: a sample comes as often as ``k·w / Σw``, rounded down or up by chance. On average that is
    exact, and with less noise than independent draws have.
    """
    ends = np.cumsum(weights.astype(np.float64))
    k = len(ends)
    start = np.random.default_rng([seed, epoch, 1]).random()
    found: Rows = np.searchsorted(ends * (k / ends[-1]), start + np.arange(k), side="right")
    return np.minimum(found, k - 1).astype(np.int64)


def _use(name: str, weights: Weights | None, asked: WeightUse | None) -> WeightUse:
    if asked is not None:
        return one_of("weights", asked, WeightUse)
    if weights is not None:
        raise OptionError(
            f"the samples of {name} have weights, and without them it is another selection",
            "weights='drawn', and the loss needs none; or 'handed', with weighted(dataset); or 'ignored'",
        )
    return "ignored"
