"""Trainings of so many steps, and losses with weights: against numbers that a pencil gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from prune.core.arrays import Array
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.train import Trainer
from prune.proxy.training_length import TrainingLength, steps_of_epoch
from prune.proxy.weight_file import to_bytes

from .conftest import Made

PLAIN = Training.of("linear", peak_lr=0.5, momentum=0.0, weight_decay=0.0, warmup=0.0)
POINTS = np.array([[1, 0], [0, 1], [1, 1], [-1, 2]], np.float32)
LABELS = [0, 1, 0, 1]


@pytest.fixture
def inputs(made: Callable[..., Made]) -> Inputs:
    _, dataset, column = made(POINTS, LABELS)
    return Inputs(column, dataset, torch.device("cpu"))


@pytest.mark.parametrize(
    ("n", "batch", "steps"),
    [(50_000, 128, 391), (5_000, 128, 39), (130, 128, 1), (192, 128, 2), (191, 128, 1), (3, 128, 1)],
)
def test_an_epoch_has_the_even_steps_that_are_nearest_to_a_batch(n: int, batch: int, steps: int) -> None:
    assert steps_of_epoch(n, batch) == steps
    ends = TrainingLength(1, batch).ends(n)
    assert ends[-1] == n
    assert np.ptp(np.diff(ends, prepend=0)) <= 1


def test_a_weighted_step_follows_the_weighted_mean(inputs: Inputs) -> None:
    weights = np.array([1, 2, 0, 5], np.float32)
    trainer = Trainer(inputs, PLAIN, 0, length=TrainingLength(1, 4), weights=weights)
    weight, bias = (p.detach().double().numpy().copy() for p in trainer.model.parameters())
    trainer.epoch(1, lambda _: None)
    seen = inputs.normalise(torch.from_numpy(POINTS)).double().numpy()
    logits = seen @ weight.T + bias
    wrong: Array = np.exp(logits) / np.exp(logits).sum(1, keepdims=True) - np.eye(2)[LABELS]
    share = weights.astype(np.float64) / weights.sum()
    after = [p.detach().numpy() for p in trainer.model.parameters()]
    np.testing.assert_allclose(after[0], weight - 0.5 * (wrong * share[:, None]).T @ seen, atol=1e-6)
    np.testing.assert_allclose(after[1], bias - 0.5 * (wrong * share[:, None]).sum(0), atol=1e-6)


def test_weights_that_are_all_alike_change_nothing(inputs: Inputs) -> None:
    ends = []
    for weights in (None, np.full(4, 7, np.float32)):
        trainer = Trainer(inputs, PLAIN, 0, length=TrainingLength(6, 2), weights=weights)
        for epoch in range(1, trainer.epochs + 1):
            trainer.epoch(epoch, lambda _: None)
        ends.append([p.detach().numpy().copy() for p in trainer.model.parameters()])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("bad", [[0, 0, 0, 0], [1, 1, -1, 1], [1, np.nan, 1, 1], [1, np.inf, 1, 1]])
def test_weights_that_say_nothing_are_refused(inputs: Inputs, bad: list[float]) -> None:
    with pytest.raises(ValueError, match="weights of a loss"):
        Trainer(inputs, PLAIN, 0, weights=np.array(bad, np.float32))


def test_a_training_ends_in_the_middle_of_an_epoch(inputs: Inputs) -> None:
    trainer = Trainer(inputs, PLAIN, 0, length=TrainingLength(5, 2))
    seen: list[int] = []
    rates: list[float] = []
    assert (trainer.steps, trainer.epochs) == (5, 3)
    for epoch in range(1, trainer.epochs + 1):
        trainer.epoch(epoch, lambda count: (seen.append(count), rates.append(_rate(trainer)))[0])
    assert seen == [2] * 5
    assert rates == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1])  # one schedule over five steps


def _rate(trainer: Trainer) -> float:
    return float(trainer.optimiser.param_groups[0]["lr"])


def test_sets_of_one_size_begin_with_the_same_weights_and_draw_the_same_order(inputs: Inputs) -> None:
    one, other = (
        Trainer(inputs.only(learnt=np.array(rows), watched=np.array(rows)), PLAIN, run, length=length)
        for rows, run, length in (([0, 1], 3, TrainingLength(2, 2)), ([2, 3], 3, TrainingLength(9, 1)))
    )
    assert to_bytes(one.model.state_dict()) == to_bytes(other.model.state_dict())
    third = Trainer(inputs, PLAIN, 4, length=TrainingLength(2, 2))
    assert to_bytes(one.model.state_dict()) != to_bytes(third.model.state_dict())
