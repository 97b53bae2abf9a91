"""One training run of a proxy, an epoch at a time, whose state fits in a file."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from prune.core.arrays import Rows, Weights
from prune.core.errors import OptionError
from prune.core.progress import Advance
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs, Moves
from prune.proxy.micro_batch import even_ends
from prune.proxy.models import build
from prune.proxy.ngram_network import NgramMean
from prune.proxy.optimisers import memory_of, optimiser_of
from prune.proxy.sharded_step import Shards, shard_of
from prune.proxy.small_networks import Mean, Residual
from prune.proxy.torch_device import generator, seeded
from prune.proxy.training_length import TrainingLength
from prune.proxy.weight_file import to_bytes
from prune.system.precision import precision_of

_BUILDING = threading.Lock()  # initial weights come from torch's global generator
_STEADY = {
    *(nn.Sequential, nn.Identity, nn.Flatten, nn.Linear, nn.Conv2d, nn.BatchNorm2d, nn.ReLU),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, Residual, Mean, NgramMean),
}
_STEADY_BY_NAME = {f"torchvision.models.resnet.{name}" for name in ("ResNet", "BasicBlock", "Bottleneck")}
_FEW = 16  # steps of an epoch, and samples of a step, that a small dataset is split into


class Trainer:
    """A network and its optimiser. Epoch e depends on the state after e − 1, the seed, the run and e only.

    Parameters
    ----------
    inputs
        Samples to learn from.
    training, run
        How, and which of the runs: another run has other weights, order and augmentation.
    length
        So many steps, instead of the epochs of `training`.
    weights : (n,)
        How much the loss of each row counts, of all rows of the dataset; the mean over those that are learnt
        is taken for 1. So the expected step follows the weighted mean over the set, which is what selectors
        compute weights for; a mean over each step's own weights would favour steps of light samples.
    """

    def __init__(
        self,
        inputs: Inputs,
        training: Training,
        run: int,
        *,
        length: TrainingLength | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.inputs = inputs
        self.training = training
        self.run = run
        self.length = length
        self.rows = _at_least_two(inputs.labelled)
        self.weights = None if weights is None else _of_mean_one(weights, self.rows)
        self.model = new_model(inputs, training, run)
        self.optimiser = optimiser_of(self.model, training)
        self._ends = _ends(len(self.rows), training.batch) if length is None else length.ends(len(self.rows))
        self.step = int(max(np.diff(self._ends, prepend=0)))  # samples at most
        self.at_once = inputs.micro_batch.of(self.step)  # samples, for the whole life of this trainer
        self.autocast = precision_of(inputs.device.type) == "bfloat16"
        self._draws_nothing = draws_nothing(self.model)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.inputs.device

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.training.epochs * len(self._ends) if self.length is None else self.length.steps

    @property
    def epochs(self) -> int:
        """Epochs that are begun."""
        return -(-self.steps // len(self._ends))

    def epoch(self, number: int, advance: Advance) -> None:
        """Train for one epoch, the `number`-th, counted from 1.

        Raises
        ------
        OptionError
            The loss is not finite.
        torch.OutOfMemoryError
            `at_once` samples do not fit; what was learned in this epoch so far is to be thrown away.
        """
        training = self.training
        source = generator("epoch", training.seed, self.run, number)
        order = self.rows[torch.randperm(len(self.rows), generator=source).numpy()]
        moved = len(order) if self.inputs.are_images else 0
        moves = Moves.draw(moved, crop=training.crop, flip=training.flip, source=source)
        before = (number - 1) * len(self._ends)
        ends = self._ends[: self.steps - before]
        total = torch.zeros((), device=self.device)
        self.model.train()
        with self._stepping(number) as take:
            for step, (start, stop) in enumerate(zip([0, *ends], ends, strict=False)):
                self._pace(before + step, self.steps)
                self.optimiser.zero_grad()
                total += take(step, order[start:stop], moves.part(start, stop))
                self.optimiser.step()
                advance(stop - start)
        if not math.isfinite(total.item()):
            raise OptionError(
                f"training diverged at epoch {number}: the loss is not finite",
                f"--lr {training.peak_lr / 4:g}   # now {training.peak_lr:g}",
            )

    def state(self) -> dict[str, Tensor]:
        """Return weights, buffers and what the optimiser remembers; they go on changing."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for word, kept in memory_of(self.training).items():
            for name, parameter in self.model.named_parameters():
                tensors[f"{word}.{name}"] = self.optimiser.state[parameter][kept]
        return tensors

    def restore(self, state: bytes) -> None:
        """Take up what `state` returned, as a safetensors file."""
        tensors = safetensors.torch.load(state)
        load_weights(self.model, _of_model(tensors))
        for word, kept in memory_of(self.training).items():
            for name, parameter in self.model.named_parameters():
                memory = torch.empty_like(parameter).copy_(tensors[f"{word}.{name}"])
                self.optimiser.state[parameter][kept] = memory

    def _pace(self, step: int, steps: int) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.training.peak_lr * one_cycle(step, steps, self.training.warmup)

    @contextlib.contextmanager
    def _stepping(self, epoch: int) -> Iterator[Callable[[int, Rows, Moves], Tensor]]:
        """Give what takes the gradient of a step's samples, and returns their loss."""
        facts = ("dropout", self.training.seed, self.run, epoch)
        if self.device.type != "cpu":
            with contextlib.nullcontext() if self._draws_nothing else seeded(self.device, *facts):
                yield lambda _, rows, moves: self._add_up(rows, moves)
            return
        shard = shard_of(self.training)
        most = -(-self.step // min(shard, self.at_once))
        with Shards(self.model, self._loss, most, draws=not self._draws_nothing) as shards:
            yield lambda step, rows, moves: shards.gradient(
                [(rows[a:b], moves.part(a, b)) for a, b in self._spans(len(rows), shard)],
                *facts,
                step,
            )

    def _add_up(self, rows: Rows, moves: Moves) -> Tensor:
        """Take the gradient of one piece after the other; they add up to that of the whole."""
        total = torch.zeros((), device=self.device)
        for start, stop in self._spans(len(rows), self.at_once):
            loss = self._loss(self.model, rows[start:stop], moves.part(start, stop))
            loss = loss * ((stop - start) / len(rows))
            torch.autograd.backward(loss)
            total += loss.detach()
        return total

    def _spans(self, n: int, most: int) -> Iterator[tuple[int, int]]:
        ends = even_ends(n, min(most, self.at_once))
        return zip([0, *ends], ends, strict=False)

    def _loss(self, model: nn.Module, rows: Rows, moves: Moves) -> Tensor:
        samples = self.inputs.take(rows)
        if self.inputs.are_images:
            samples = moves.apply(samples)
        labels = self.inputs.labels[rows].to(self.device)
        kind = self.device.type
        # The cache of casts is one for all threads, and keeps nothing that is used twice.
        with torch.autocast(kind, torch.bfloat16, enabled=self.autocast, cache_enabled=kind != "cpu"):
            logits = model(self.inputs.normalise(samples))
        if self.weights is None:
            return functional.cross_entropy(logits.float(), labels)
        losses = functional.cross_entropy(logits.float(), labels, reduction="none")
        return (losses * self.weights[rows].to(self.device)).mean()


def new_model(inputs: Inputs, training: Training, run: int) -> nn.Module:
    """Return the network before its first step."""
    with _BUILDING, seeded(torch.device("cpu"), "weights", training.seed, run):
        model = build(training.proxy, inputs.form, inputs.classes)
    return model.to(memory_format=torch.channels_last).to(inputs.device)


def size_of_weights(inputs: Inputs, training: Training) -> int:
    """Return the bytes of the weights and buffers of a network, without making it."""
    with torch.device("meta"):
        model = build(training.proxy, inputs.form, inputs.classes)
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


def draws_nothing(model: nn.Module) -> bool:
    """Whether every layer is known to draw no random numbers, so that torch's own generator stays unused."""
    return all(_is_steady(type(module)) for module in model.modules())


def _is_steady(kind: type) -> bool:
    return kind in _STEADY or f"{kind.__module__}.{kind.__qualname__}" in _STEADY_BY_NAME


def load_weights(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy weights and buffers into a model, whose memory layout stays."""
    model.load_state_dict(tensors)


def weights_of(state: bytes) -> bytes:
    """Return the weights and buffers in a file of what `Trainer.state` returned, as a file of their own."""
    return to_bytes(_of_model(safetensors.torch.load(state)))


def _of_model(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[6:]: value for name, value in tensors.items() if name.startswith("model.")}


def one_cycle(step: int, steps: int, warmup: float) -> float:
    """Return the learning rate as a part of its peak: a linear rise, then a linear fall, never 0."""
    rise = max(1, round(warmup * steps))
    return (step + 1) / rise if step < rise else (steps - step) / (steps - rise + 1)


def _ends(n: int, batch: int) -> list[int]:
    """Return where each step ends: even steps of at most `batch` samples (or three) and at least two.

    Few samples make smaller steps, of 16 at least, so that an epoch has 16: with two or three, neither the
    weights nor the statistics of batch normalisation get anywhere.
    """
    steps = min(-(-n // step_size(n, batch)), max(1, n // 2))
    return [n * (step + 1) // steps for step in range(steps)]


def step_size(n: int, batch: int) -> int:
    """Return the samples of a step at most, of n in an epoch."""
    return min(batch, max(_FEW, n // _FEW))


def _of_mean_one(weights: Weights, rows: Rows) -> Tensor:
    own = weights.astype(np.float64)
    if not (np.isfinite(own[rows]).all() and (own[rows] >= 0).all() and own[rows].sum() > 0):
        raise ValueError("weights of a loss are finite, at least 0, and not all of them 0")
    return torch.from_numpy((own / own[rows].mean()).astype(np.float32))


def _at_least_two(rows: Rows) -> Rows:
    return np.repeat(rows, 2) if len(rows) == 1 else rows  # batch normalisation needs two
