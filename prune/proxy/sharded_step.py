"""The gradient of a training step on a CPU: of shards of the batch, one core each, added up in their order.

How a step is cut into shards depends on its samples only, so the sum has the same bits for any number of
threads. Batch normalisation sees a shard at a time ("ghost" batch normalisation); its running statistics move
once a step, to the mean of what the shards saw.

References: Hoffer, Hubara & Soudry, "Train longer, generalize better", NeurIPS 2017, arXiv:1705.08741.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from prune.core.arrays import Rows
from prune.proxy.config import NGRAM, Training
from prune.proxy.inputs import Moves
from prune.proxy.layer_random import LayerDraws
from prune.proxy.network_copies import Copies
from prune.system.executors.single_core import SingleCorePool

SHARD = 32  # samples at most
_OF_TEXTS = 256  # whose arithmetic is so little that what is done once a shard would decide

Shard = tuple[int, Rows, Moves]  # its number in the step
Loss = Callable[[nn.Module, Rows, Moves], Tensor]  # the mean over the samples of a shard
_Learnt = tuple[
    Tensor, Sequence[Tensor | None], Sequence[Tensor]
]  # loss, gradients, what the buffers moved by


def shard_of(training: Training) -> int:
    """Return how many samples a shard of a training has at most."""
    return _OF_TEXTS if training.proxy == NGRAM else SHARD


def way(device: str, training: Training | None = None) -> dict[str, Any]:
    """Return what a recipe says of how a network is computed on a device; nothing on a GPU."""
    shard = SHARD if training is None else shard_of(training)
    return {"shards": {"training": shard, "threads": 1}} if torch.device(device).type == "cpu" else {}


class Shards:
    """Takes the gradients of steps, while it is entered.

    Parameters
    ----------
    model
        Whose parameters get the gradients, and whose buffers follow.
    loss
        Of a copy of the model.
    most
        Shards of a step, at most.
    draws
        Whether some layer draws random numbers.
    """

    def __init__(self, model: nn.Module, loss: Loss, most: int, *, draws: bool) -> None:
        self._loss, self._draws = loss, draws
        self._copies = Copies(model, torch.device("cpu"), most, training=True)
        self._pool = SingleCorePool(self._copies.threads)
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._buffers = list(model.buffers())

    def __enter__(self) -> Shards:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def gradient(self, shards: Sequence[tuple[Rows, Moves]], *facts: object) -> Tensor:
        """Leave the gradient of the mean loss of all samples in the parameters, and return that loss.

        Parameters
        ----------
        facts
            What the random numbers of this step's layers follow from.
        """
        whole = sum(len(rows) for rows, _ in shards)
        numbered = [(number, *shard) for number, shard in enumerate(shards)]

        def one(shard: Shard) -> _Learnt:
            return self._learn(shard, len(shard[1]) / whole, facts)

        total, moved = torch.zeros(()), [torch.zeros_like(buffer) for buffer in self._buffers]
        for _, result in self._pool.each(one, numbered):
            loss, gradients, seen = result()
            total += loss
            for parameter, gradient in zip(self._parameters, gradients, strict=True):
                if gradient is not None:
                    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
            for sum_, change in zip(moved, seen, strict=True):
                sum_ += change
        for buffer, change in zip(self._buffers, moved, strict=True):
            buffer += change
        return total

    def _learn(self, shard: Shard, part: float, facts: Sequence[object]) -> _Learnt:
        number, rows, moves = shard
        drawing = LayerDraws(*facts, number) if self._draws else contextlib.nullcontext()
        with self._copies.one() as model:
            buffers = list(model.buffers())
            for own, first in zip(buffers, self._buffers, strict=True):
                own.copy_(first)
            with drawing:
                loss = self._loss(model.train(), rows, moves) * part
            learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
            gradients = torch.autograd.grad(loss, learning, allow_unused=True)
            seen = [
                _change(own, first, part, number) for own, first in zip(buffers, self._buffers, strict=True)
            ]
        return loss.detach(), gradients, seen


def _change(own: Tensor, first: Tensor, part: float, number: int) -> Tensor:
    """Return by how much a shard moves a buffer: statistics by its part of the batch, counts once a step."""
    if first.is_floating_point():
        return (own - first) * part
    return own - first if number == 0 and first.dtype != torch.bool else torch.zeros_like(first)
