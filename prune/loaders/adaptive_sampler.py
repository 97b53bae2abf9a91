"""The adaptive sampler: every few epochs the samples are chosen anew, by the model as it is then."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import distributed, nn

from prune.core.arrays import Rows, Weights
from prune.core.errors import DataError, OptionError
from prune.core.quota import keep_count
from prune.loaders.adaptive_choice import AdaptiveChoice, AdaptiveMethod, Per
from prune.loaders.adaptive_factors import Batches, PassSettings, factors, length_of
from prune.loaders.option_checks import one_of, whole_number
from prune.loaders.ranks import Even
from prune.loaders.row_sampler import RowSampler, digest_of, taking_part
from prune.steps.schedules.rules import first_epochs
from prune.steps.settings import DEFAULTS, Settings
from prune.store import identity
from prune.trace.batches import Unpack, unpack
from prune.trace.evaluation_pass import Head

Start = Literal["random", "model"]
_NO_TARGET = (
    "glister lowers the loss of a validation set, and without one that of training samples, which did worse "
    "than random in every trial: target=VALIDATION_DATASET, or method='random'"
)
_SEE_FIRST = "look at the traceback of rank 0, and mend that"


class AdaptiveSampler(RowSampler):
    """Chooses a part of the samples every few epochs, by the last layer's gradients of the live model.

        sampler = AdaptiveSampler(model, dataset, fraction=0.1, epochs=200, method="gradmatch", every=20)
        loader = DataLoader(weighted(dataset), batch_size=128, sampler=sampler)
        for epoch in range(200):
            sampler.set_epoch(epoch)
            for x, y, weight in loader:
                losses = cross_entropy(model(x), y, reduction="none")
                (losses * weight).mean().backward()

    Try `method="random"` first: another random part every few epochs costs no look at the model, and is what
    the others have to beat. A choice is one pass over `source` in evaluation mode, which the training does
    not notice, and a selector on its gradients; both run when the first row of an epoch is asked for, and
    their time is in `seconds` and `history`. Memory: 4·n·(c + d) bytes while choosing.

    With torch.distributed, the first process chooses for all of them.

    Parameters
    ----------
    model
        As it is trained; its last linear layer gives the logits. None, with `random`.
    source
        Every sample once, without augmentation: a map-style dataset of (input, label), a loader of batches
        (inputs, labels, rows), or a function that returns such. None, with `random`.
    fraction
        How much of the samples an epoch has, after the warm start.
    epochs
        Of the whole training.
    method
        `random`, `gradmatch`, `glister` or `craig`.
    every
        Choose again after so many epochs (R).
    warm
        The part of the epochs that comes first, with all samples (κ).
    start
        Without a warm start the first choice is `random`, since a model that was not trained has nothing to
        say; `model`: by the model, as it comes from an earlier training.
    per, batch
        `sample`; or `batch`: so many samples, put together by lot, are one choice (CORDS' PB variants of
        gradmatch and craig).
    target
        Match the gradients, or lower the loss (`glister`), of other samples: as `source`, such as a
        validation set. Not of `craig`. For `glister` it is part of the method; without one it makes do with
        at most 2,048 of the training samples, takes every class in its proportion, and warns.
    rows
        How many samples there are, or which take part; default: as many as the source has.
    options, settings
        Of the selector; memory and device of the choice.
    head, unpack, device
        As for `TraceWriter.observe`.
    shuffle, seed, rank, world, even
        As for `RowSampler`.

    Raises
    ------
    OptionError
        A value is out of range, or does not go with the method.

    References
    ----------
    Killamsetty, Durga S, Ramakrishnan, De & Iyer, "GRAD-MATCH: Gradient Matching based Data Subset Selection
    for Efficient Deep Model Training", ICML 2021, arXiv:2103.00123.

    Differs: published code counts the warm start in epochs of the part, trains on a random part for the
    first R epochs after it, and pads short choices at random; here the part of the epochs is as given, the
    choice follows the warm start at once, and the selectors fill by a rule that they state.
    """

    def __init__(
        self,
        model: nn.Module | None,
        source: Batches | None,
        *,
        fraction: str | float,
        epochs: int,
        method: AdaptiveMethod = "gradmatch",
        every: int = 20,
        warm: float = 0.0,
        start: Start = "random",
        per: Per = "sample",
        batch: int = 128,
        target: Batches | None = None,
        rows: int | Rows | None = None,
        options: Mapping[str, Any] | None = None,
        settings: Settings = DEFAULTS,
        head: Head = "last",
        unpack: Unpack = unpack,
        device: torch.device | None = None,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        even: Even = "no",
    ) -> None:
        super().__init__(shuffle=shuffle, seed=seed, rank=rank, world=world, even=even)
        self.choice = AdaptiveChoice(
            method=method, per=per, batch=batch, options=options or {}, settings=settings
        )
        _require(self.choice, model, source, target)
        if not 0 <= warm < 1:
            raise OptionError(f"warm={warm} is no part of the epochs that leaves some", "warm=0.25")
        self.rows = _rows(rows, source)
        self.k = keep_count(fraction, len(self.rows))
        self.model, self.source, self.target = model, source, target
        self.every, self.epochs = whole_number("every", every, 1), whole_number("epochs", epochs, 1)
        self.start = one_of("start", start, Start)
        self.first = first_epochs(warm, epochs)  # the epoch of the first choice
        self.history: list[dict[str, Any]] = []  # of every choice: epoch, seed, seconds, facts
        self._how = PassSettings(head=head, unpack=unpack, device=device)
        self._held: tuple[int, Rows, Weights | None] | None = None  # the round that they were chosen for

    @property
    def seconds(self) -> float:
        """How long all choices took so far, looks at the model included."""
        return float(sum(one["seconds"] for one in self.history))

    @cached_property
    def identity(self) -> str:
        """Stands for the rows, the options and the seed."""
        own = [digest_of(self.rows), self.k, self.first, self.every, self.seed, self.start, self.shuffle]
        choice = self.choice
        return identity([*own, choice.method, choice.per, choice.batch, repr(sorted(choice.options.items()))])

    def count(self, epoch: int) -> int:
        """Return how many samples an epoch has; nothing is chosen for that."""
        return len(self.rows) if epoch < self.first else self.k

    def rows_of(self, epoch: int) -> tuple[Rows, Weights | None]:
        """Return the rows of an epoch and their weights, of mean 1; chosen now, if it is time to."""
        if epoch < self.first:
            return self.rows, None
        number = (epoch - self.first) // self.every
        if self._held is None or self._held[0] != number:
            self._held = (number, *self._agreed(epoch))
        return self._held[1:]

    def state_dict(self, taken: int | None = None) -> dict[str, Any]:
        """Return where the training stands, with what was chosen: tensors, numbers and texts."""
        state = {**super().state_dict(taken), "history": [dict(one) for one in self.history]}
        if self._held is not None:
            number, rows, weights = self._held
            state["round"], state["rows"] = number, torch.from_numpy(rows.copy())
            state["weights"] = None if weights is None else torch.from_numpy(weights.copy())
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken, with the samples that were chosen then."""
        super().load_state_dict(state)
        self.history, self._held = [dict(one) for one in state["history"]], None
        if "round" in state:
            weights = state["weights"]
            held = None if weights is None else weights.numpy()
            self._held = (int(state["round"]), state["rows"].numpy(), held)

    def _agreed(self, epoch: int) -> tuple[Rows, Weights | None]:
        """Choose; where there are several processes, the first one for all."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return self._chosen(epoch)
        first = distributed.get_rank() == 0
        told: list[Any] = [None]
        try:
            if first:
                told = [(self._chosen(epoch), self.history[-1])]
        except BaseException as error:
            told = [f"{type(error).__name__}: {error}"]
            raise
        finally:  # also where it fails: the others wait for it
            distributed.broadcast_object_list(told, src=0)
        if isinstance(told[0], str):
            raise DataError(f"the first process could not choose for epoch {epoch}: {told[0]}", _SEE_FIRST)
        chosen, noted = told[0]
        if not first:
            self.history.append(noted)
        rows, weights = chosen
        return rows, weights

    def _chosen(self, epoch: int) -> tuple[Rows, Weights | None]:
        began = time.perf_counter()
        seed = int(np.random.SeedSequence([self.seed, epoch]).generate_state(1)[0])
        looked, facts, weights = 0.0, dict[str, Any](), None
        if self.choice.method == "random" or (epoch == 0 and self.start == "random"):
            rows, method = self.choice.drawn(self.rows, self.k, seed), "random"
        else:
            assert self.model is not None
            assert self.source is not None
            ours = factors(self.model, self.source, self.rows, self._how)
            theirs = None if self.target is None else factors(self.model, self.target, None, self._how)
            looked, method = time.perf_counter() - began, self.choice.method
            rows, weights, facts = self.choice.chosen(ours, self.k, seed, theirs)
        plain = {name: value for name, value in facts.items() if isinstance(value, int | float | str)}
        now = {"epoch": epoch, "method": method, "seed": seed, "seconds": time.perf_counter() - began}
        self.history.append({**now, "looking": looked, "facts": plain})
        return rows, weights


def _rows(rows: int | Rows | None, source: Batches | None) -> Rows:
    if rows is None:
        rows = length_of(source)
        if rows is None:
            raise OptionError(
                "the source does not say how many samples it has",
                "rows=len(dataset)   # or which rows take part",
            )
    return taking_part(rows)


def _require(
    choice: AdaptiveChoice, model: nn.Module | None, source: Batches | None, target: Batches | None
) -> None:
    if choice.method != "random" and (model is None or source is None):
        raise OptionError(f"{choice.method} looks at the model", "AdaptiveSampler(model, dataset, …)")
    if target is None and choice.method == "glister":
        warnings.warn(_NO_TARGET, stacklevel=3)
    if target is not None and choice.method in {"random", "craig"}:
        raise OptionError(f"{choice.method} matches no target", "method='gradmatch', or 'glister'")
