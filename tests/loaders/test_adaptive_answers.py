"""What the adaptive selectors choose where the answer is known: gradients that a reader can add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from prune.loaders import AdaptiveSampler

KINDS = np.repeat([0, 1, 2], [6, 3, 1])  # ten samples of one class, of three features: 6, 3 and 1 alike


def layer(weights: Tensor | None = None) -> nn.Module:
    """A linear layer that says nothing yet: p = ½, so a gradient is (−½, ½) ⊗ [h; 1]."""
    made = nn.Linear(3, 2)
    with torch.no_grad():
        made.weight.copy_(torch.zeros(2, 3) if weights is None else weights)
        made.bias.zero_()
    return nn.Sequential(made)


def data(kinds: Any) -> TensorDataset:
    return TensorDataset(torch.eye(3)[torch.as_tensor(kinds)], torch.zeros(len(kinds), dtype=torch.int64))


def chosen(
    method: Any, k: int, kinds: Any = KINDS, model: nn.Module | None = None, **more: Any
) -> tuple[list[int], list[float]]:
    """Return the kinds of what is chosen, and their weights."""
    sampler = AdaptiveSampler(
        model or layer(), data(kinds), fraction=k / len(kinds), epochs=1, method=method, start="model", **more
    )
    rows, weights = sampler.rows_of(0)
    assert len(rows) == len(set(rows.tolist())) == k
    held = np.ones(k) if weights is None else weights
    assert held.mean() == pytest.approx(1, abs=1e-6)
    order = np.argsort(np.asarray(kinds)[rows], kind="stable")
    return np.asarray(kinds)[rows][order].tolist(), held[order].tolist()


def test_gradmatch_takes_one_of_each_kind_with_the_weight_of_all_that_are_alike() -> None:
    """6 [1 0 0 1] + 3 [0 1 0 1] + 1 [0 0 1 1] is the sum of all ten gradients, and nothing else is."""
    kinds, weights = chosen("gradmatch", 3, options={"lam": 0.0, "quota": "none"})
    assert kinds == [0, 1, 2]
    np.testing.assert_allclose(weights, np.array([6, 3, 1]) * 3 / 10, rtol=1e-4)


def test_craig_stands_for_clusters() -> None:
    kinds, weights = chosen("craig", 3)
    assert kinds == [0, 1, 2]
    np.testing.assert_allclose(weights, np.array([6, 3, 1]) * 3 / 10, rtol=1e-6)


def test_glister_takes_what_lowers_the_loss_of_the_target() -> None:
    """With a target of kind 1, ⟨g, ∇L⟩ is ½ (1 + 1) for kind 1 and ½ for others: its three come first."""
    target = [(torch.eye(3)[[1, 1]], torch.tensor([0, 0]), torch.arange(2))]
    assert chosen("glister", 3, target=target) == ([1, 1, 1], [1.0] * 3)


@pytest.mark.filterwarnings("ignore:glister lowers the loss of a validation set")
def test_glister_does_not_take_more_of_what_is_served_already() -> None:
    """The first pick is of kind 0, which most are; a step on it lowers their error, and kind 1 comes next."""
    kinds, _ = chosen("glister", 2, kinds=[0, 0, 0, 1, 1, 2], options={"eta": 8.0})
    assert kinds == [0, 1]
    first_order, _ = chosen("glister", 2, kinds=[0, 0, 0, 1, 1, 2], options={"eta": 8.0, "every": 2})
    assert first_order == [0, 0]  # without the update: what the largest gradients say


def test_the_model_decides_as_it_is_now() -> None:
    """Where the layer knows kind 0 already, its samples have no gradient, and kinds 1 and 2 are chosen."""
    knows = torch.zeros(2, 3)
    knows[:, 0] = torch.tensor([40.0, -40.0])
    kinds, weights = chosen("gradmatch", 2, model=layer(knows), options={"lam": 0.0, "quota": "none"})
    assert kinds == [1, 2]
    np.testing.assert_allclose(weights, [1.5, 0.5], rtol=1e-4)


def test_batches_have_the_weights_of_the_best_fit_to_the_sum_of_all() -> None:
    """Whatever the lot made of 40: what is left is at right angles to every batch that has a weight."""
    source = np.random.default_rng(0)
    inputs, labels = source.normal(size=(40, 3)).astype(np.float32), source.integers(0, 2, 40)
    sampler = AdaptiveSampler(
        layer(),
        TensorDataset(torch.from_numpy(inputs), torch.from_numpy(labels)),
        fraction=0.3,
        epochs=1,
        per="batch",
        batch=4,
        start="model",
        options={"lam": 0.0},
    )
    rows, weights = sampler.rows_of(0)
    assert weights is not None
    errors = 0.5 - np.eye(2)[labels]
    gradients = np.einsum("nc,nd->ncd", errors, np.c_[inputs, np.ones(40)]).reshape(40, -1)
    groups = [rows[weights == weight] for weight in np.unique(weights)]
    assert [len(group) for group in groups] == [4, 4, 4]
    sums = np.stack([gradients[group].sum(0) for group in groups])
    shape = np.unique(weights) @ sums
    whole = gradients.sum(0)
    left = whole - shape * (whole @ shape) / (shape @ shape)
    assert np.linalg.norm(left) < 0.7 * np.linalg.norm(whole)
    np.testing.assert_allclose(sums @ left, 0, atol=1e-3 * np.linalg.norm(whole) ** 2)
