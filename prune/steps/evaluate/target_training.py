"""The training of a target: the proxy's way, for so many steps on some samples, looked at after the last."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from prune.core.arrays import Labels, Rows, Weights
from prune.core.column_name import EMBEDDING, NGRAMS, ColumnName
from prune.core.errors import OptionError
from prune.core.progress import Advance
from prune.steps.evaluate.protocol import Protocol
from prune.steps.evaluate.request import EvaluateRequest
from prune.steps.evaluate.training_sets import TrainingSet

if TYPE_CHECKING:
    from prune.proxy import Training
    from prune.proxy.inputs import Inputs
    from prune.proxy.train import Trainer

_TRIED = 6  # steps whose time is taken; of the first, more is spent on what is done once


@dataclass(frozen=True)
class Target:
    """What is trained, how, and what it is tested on; another kind of target overrides what differs."""

    inputs: Inputs  # of everything: its mean and deviation are those of every set
    tests: Inputs
    training: Training
    protocol: Protocol

    network: ClassVar[str | None] = None  # whose inputs it has; None: of the network that is asked for

    @classmethod
    def protocol_of(cls, asked: EvaluateRequest, everything: int, batch: int) -> Protocol:
        """Return for how long each set is trained; see `Protocol.of`."""
        return Protocol.of(steps=asked.steps, epochs=asked.epochs, everything=everything, batch=batch)

    @classmethod
    def require_memory(cls, samples: int, width: int, limit: int) -> None:
        """Refuse what would not fit in memory: nothing of what is seen batch by batch."""

    @property
    def model(self) -> str:
        """What is trained."""
        return self.training.proxy

    @property
    def recipe(self) -> dict[str, Any]:
        """How it is trained, but for how long."""
        return {k: v for k, v in self.training.recipe.items() if k not in {"epochs", "stop", "batch"}}

    @property
    def told(self) -> dict[str, Any]:
        """How it is trained, as results say it."""
        return self.training.recipe

    @property
    def seen(self) -> str:
        """What it looks at, in words."""
        column = ColumnName(self.inputs.column.name)
        if column.kind == EMBEDDING:
            return f"on {column.of}"
        if column.kind == NGRAMS:
            return f"{column.of} n-grams a text"
        return f"{self.training.size} pixels, {'mirrored' if self.training.flip else 'not mirrored'}"

    @property
    def in_words(self) -> str:
        """What is trained, for how long, and what is then looked at."""
        return (
            f"{self.model} ({self.seen}), {self.protocol} in steps of {self.protocol.batch}, "
            f"tested on {self.tested:,} samples after the last step"
        )

    @property
    def tested(self) -> int:
        """Test samples with a label."""
        return len(self.tests.labelled)

    @property
    def warnings(self) -> list[str]:
        """What is to be said of it beside every result."""
        return []

    def predictions(self, chosen: TrainingSet, run: int, advance: Advance) -> Labels:
        """Train on a set with the seeds of a run; return the class of every test sample, −1 of unusable ones.

        Another set of the same size has the same weights before the first step, and of the samples at the
        same places the same order and augmentation.

        Raises
        ------
        OptionError
            The training diverges.
        """
        import torch

        from prune.proxy.torch_device import repeatable

        with repeatable(self.inputs.device):
            while True:
                trainer = self.trainer(chosen, run)
                try:
                    for epoch in range(1, trainer.epochs + 1):
                        trainer.epoch(epoch, advance)
                    return self._look(trainer)
                except torch.OutOfMemoryError:
                    tried = trainer.at_once
                self.inputs.micro_batch.shorten_steps(tried)  # and from its start: all steps are alike

    def trainer(self, chosen: TrainingSet, run: int) -> Trainer:
        """Return the target before its first step."""
        from prune.proxy.train import Trainer
        from prune.proxy.training_length import TrainingLength

        fed = self.inputs.only(learnt=chosen.rows, watched=chosen.rows[:0])
        length = TrainingLength(self.protocol.steps(len(chosen.rows)), self.protocol.batch)
        return Trainer(fed, self.training, run, length=length, weights=_by_row(chosen, len(fed.labels)))

    def seconds_a_step(self) -> float:
        """Return how long a step takes: of a few real ones, which are thrown away."""
        from prune.proxy.torch_device import repeatable
        from prune.proxy.train import Trainer
        from prune.proxy.training_length import TrainingLength

        some = self.inputs.labelled[: _TRIED * self.protocol.batch]
        fed = self.inputs.only(learnt=some, watched=some[:0])
        at: list[float] = []
        with repeatable(self.inputs.device):
            trainer = Trainer(fed, self.training, 0, length=TrainingLength(_TRIED, self.protocol.batch))
            for epoch in range(1, trainer.epochs + 1):
                trainer.epoch(epoch, lambda _: at.append(time.perf_counter()))
        return statistics.median(np.diff(at)) if len(at) > 1 else 0.0

    def _look(self, trainer: Trainer) -> Labels:
        from prune.proxy.evaluate import outputs

        predicted = np.full(len(self.tests.labels), -1, np.int32)
        for rows, logits, _ in outputs(trainer.model, self.tests, self.tests.rows):
            if not bool(logits.isfinite().all()):
                raise OptionError(
                    "training diverged: an output is not finite", f"--lr {self.training.peak_lr / 4:g}"
                )
            predicted[rows] = logits.argmax(1).cpu().numpy()
        return predicted


def _by_row(chosen: TrainingSet, n: int) -> Weights | None:
    if chosen.weights is None:
        return None
    weights: Weights = np.zeros(n, np.float32)
    rows: Rows = chosen.rows
    weights[rows] = chosen.weights
    return weights
