"""What moves weights: SGD with momentum, or Adagrad where most rows of a table see no gradient in a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prune.proxy.config import NGRAM, Training

_SMALLEST = 1e-10  # added to the root, as torch does


class Adagrad(torch.optim.Optimizer):
    """Adagrad, which touches only the rows of a table that a sparse gradient names.

    Rare words get long steps and frequent ones short steps, so a few epochs do. Gradients of the same row are
    added up in their order: the same bits for any number of threads.

    References
    ----------
    Duchi, Hazan & Singer, "Adaptive Subgradient Methods", JMLR 12, 2011.
    """

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, {"lr": lr})
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["squares"] = torch.zeros_like(parameter)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step along the gradients that are there."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, self.state[parameter]["squares"], float(group["lr"]))

    @staticmethod
    def _move(parameter: Tensor, squares: Tensor, lr: float) -> None:
        gradient = parameter.grad
        assert gradient is not None
        if not gradient.is_sparse:
            squares.addcmul_(gradient, gradient)
            parameter.addcdiv_(gradient, squares.sqrt().add_(_SMALLEST), value=-lr)
            return
        rows, summed = _added_up(gradient)
        seen = squares.index_select(0, rows).addcmul_(summed, summed)
        squares.index_copy_(0, rows, seen)
        moved = parameter.index_select(0, rows).addcdiv_(summed, seen.sqrt_().add_(_SMALLEST), value=-lr)
        parameter.index_copy_(0, rows, moved)


def _added_up(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows that a sparse gradient names, each once, and what it says of them in all."""
    named, values = gradient._indices()[0], gradient._values()
    if named.device.type == "cpu" and len(named):  # a seventh of the time that torch takes, most of a step
        of = named.numpy()
        order = np.argsort(of, kind="stable")
        first = np.flatnonzero(np.diff(of[order], prepend=-1))
        summed = np.add.reduceat(values.numpy().take(order, axis=0), first, axis=0)
        return torch.from_numpy(of[order[first]]), torch.from_numpy(summed)
    rows, place = torch.unique(named, return_inverse=True)
    return rows, values.new_zeros(len(rows), values.shape[1]).index_add_(0, place, values)


def optimiser_of(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    """Return what trains a network; weight decay is not for biases and normalisations."""
    if training.proxy == NGRAM:
        return Adagrad(model.parameters(), lr=training.peak_lr)
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        groups, lr=training.peak_lr, momentum=training.momentum, nesterov=training.momentum > 0
    )


def memory_of(training: Training) -> dict[str, str]:
    """Return what a checkpoint keeps of every weight besides itself: its word there, and in the optimiser."""
    if training.proxy == NGRAM:
        return {"squares": "squares"}
    return {"momentum": "momentum_buffer"} if training.momentum > 0 else {}
