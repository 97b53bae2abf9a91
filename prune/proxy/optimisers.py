"""What moves weights: SGD with momentum, or Adagrad where most rows of a table see no gradient in a step.

On a CPU neither is torch's own, whose optimisers load its compiler first: 1.4 seconds of every command that
trains, which took a small dataset longer than its training. The bits of SGD are those of `torch.optim.SGD`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prune.proxy.config import NGRAM, Training

_SMALLEST = 1e-10  # added to the root, as torch does


class _Optimiser(ABC):
    """What moves parameters, group by group: those of a group share its numbers."""

    def __init__(self, groups: Sequence[dict[str, Any]]) -> None:
        self.param_groups = list(groups)
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Take one step along the gradients that are there."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    @abstractmethod
    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        """Move one parameter along its gradient."""


class SGD(_Optimiser):
    """Stochastic gradient descent, with Nesterov momentum where there is momentum at all."""

    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        if group["weight_decay"]:
            gradient = gradient.add(parameter, alpha=group["weight_decay"])
        if group["momentum"]:
            kept = self.state[parameter]
            if "momentum_buffer" in kept:
                kept["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
            else:
                kept["momentum_buffer"] = gradient.clone()
            gradient = gradient.add(kept["momentum_buffer"], alpha=group["momentum"])
        parameter.add_(gradient, alpha=-group["lr"])


class Adagrad(_Optimiser):
    """Adagrad, which touches only the rows of a table that a sparse gradient names.

    Rare words get long steps and frequent ones short steps, so a few epochs do. Gradients of the same row are
    added up in their order: the same bits for any number of threads.

    References
    ----------
    Duchi, Hazan & Singer, "Adaptive Subgradient Methods", JMLR 12, 2011.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__([{"params": list(parameters), "lr": lr}])
        for parameter in self.param_groups[0]["params"]:
            self.state[parameter]["squares"] = torch.zeros_like(parameter)

    def _move(self, parameter: Tensor, gradient: Tensor, group: Mapping[str, Any]) -> None:
        squares, lr = self.state[parameter]["squares"], float(group["lr"])
        if not gradient.is_sparse:
            squares.addcmul_(gradient, gradient)
            parameter.addcdiv_(gradient, squares.sqrt().add_(_SMALLEST), value=-lr)
        elif gradient.device.type == "cpu":
            from prune.proxy.ngram_kernels import move_rows

            named, values = gradient._indices()[0].numpy(), gradient._values().numpy()
            move_rows(
                parameter.numpy(), squares.numpy(), named, values, np.float32(lr), np.float32(_SMALLEST)
            )
        else:
            rows, place = torch.unique(gradient._indices()[0], return_inverse=True)
            summed = gradient._values().new_zeros(len(rows), parameter.shape[1])
            summed.index_add_(0, place, gradient._values())
            seen = squares.index_select(0, rows).addcmul_(summed, summed)
            squares.index_copy_(0, rows, seen)
            moved = parameter.index_select(0, rows).addcdiv_(summed, seen.sqrt_().add_(_SMALLEST), value=-lr)
            parameter.index_copy_(0, rows, moved)


def optimiser_of(model: nn.Module, training: Training) -> SGD | Adagrad | torch.optim.SGD:
    """Return what trains a network; weight decay is not for biases and normalisations."""
    if training.proxy == NGRAM:
        return Adagrad(model.parameters(), lr=training.peak_lr)
    parameters = list(model.parameters())
    shared = {"lr": training.peak_lr, "momentum": training.momentum}
    groups = [
        {**shared, "params": [p for p in parameters if p.ndim > 1], "weight_decay": training.weight_decay},
        {**shared, "params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if all(parameter.device.type == "cpu" for parameter in parameters):
        return SGD(groups)
    return torch.optim.SGD(groups, nesterov=training.momentum > 0)  # moves all weights at once


def memory_of(training: Training) -> dict[str, str]:
    """Return what a checkpoint keeps of every weight besides itself: its word there, and in the optimiser."""
    if training.proxy == NGRAM:
        return {"squares": "squares"}
    return {"momentum": "momentum_buffer"} if training.momentum > 0 else {}
