from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from prune.proxy.config import Training
from prune.proxy.ngram_network import NgramMean
from prune.proxy.optimisers import SGD, Adagrad, memory_of, optimiser_of


def batches() -> list[Tensor]:
    source = torch.Generator().manual_seed(0)
    return [torch.randint(0, 12, (6, 5), generator=source) for _ in range(7)]


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(NgramMean(12, 3), nn.Linear(3, 2))


def trained(model: nn.Module, optimiser: SGD | Adagrad | torch.optim.Optimizer) -> list[Tensor]:
    for ids in batches():
        optimiser.zero_grad()
        model(ids).square().sum().backward()
        optimiser.step()
    return [parameter.detach() for parameter in model.parameters()]


def test_it_steps_as_the_adagrad_of_torch_with_dense_gradients() -> None:
    ours, theirs = network(), network()
    found = trained(ours, Adagrad(ours.parameters(), lr=0.1))
    dense = nn.Sequential(nn.EmbeddingBag(12, 3, mode="mean", padding_idx=0), theirs[1])
    dense[0].weight.data.copy_(theirs[0].weight.data)
    expected = trained(dense, torch.optim.Adagrad(dense.parameters(), lr=0.1))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_rows_that_no_text_names_stay_as_they_are() -> None:
    model = network()
    before = model[0].weight.detach().clone()
    optimiser = Adagrad(model.parameters(), lr=0.1)
    model(torch.tensor([[1, 2, 0], [2, 0, 0]])).sum().backward()
    optimiser.step()
    changed = (model[0].weight.detach() != before).any(1)
    assert changed.nonzero()[:, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("proxy", "kind", "kept"),
    [
        ("ngram", Adagrad, {"squares": "squares"}),
        ("resnet8", SGD, {"momentum": "momentum_buffer"}),
    ],
)
def test_each_network_has_the_optimiser_that_suits_it(proxy: str, kind: type, kept: dict[str, str]) -> None:
    training = Training.of(proxy)
    optimiser = optimiser_of(network(), training)
    assert type(optimiser) is kind
    assert memory_of(training) == kept


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 5e-4])
def test_sgd_has_the_bits_of_torch(momentum: float, decay: float) -> None:
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    training = Training.of("mlp", peak_lr=0.3, momentum=momentum, weight_decay=decay)
    groups = [{"params": [theirs.weight], "weight_decay": decay}, {"params": [theirs.bias]}]
    expected = torch.optim.SGD(groups, lr=0.3, momentum=momentum, nesterov=momentum > 0)
    optimiser = optimiser_of(ours, training)
    for ids in batches():
        for model, one in ((ours, optimiser), (theirs, expected)):
            one.zero_grad()
            model(ids.float()).square().mean().backward()
            one.step()
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)
    kept = [optimiser.state[one].get("momentum_buffer") for one in ours.parameters()]
    known = [expected.state[one].get("momentum_buffer") for one in theirs.parameters()]
    assert [one is None for one in kept] == [one is None for one in known]
    assert all(a is None or torch.equal(a, b) for a, b in zip(kept, known, strict=True))


def test_a_row_that_is_named_often_moves_along_the_sum() -> None:
    table, gradients = nn.Parameter(torch.zeros(5000, 2)), torch.arange(12.0).reshape(6, 2)
    named = torch.tensor([[4999, 1, 4999, 7, 1, 4999]])
    table.grad = torch.sparse_coo_tensor(named, gradients, table.shape, check_invariants=True)
    optimiser = Adagrad([table], lr=0.5)
    optimiser.step()
    sums = {4999: gradients[[0, 2, 5]].sum(0), 1: gradients[[1, 4]].sum(0), 7: gradients[3]}
    assert sorted(sums) == table.detach().any(1).nonzero()[:, 0].tolist()
    for row, moved in sums.items():
        assert torch.equal(optimiser.state[table]["squares"][row], moved.square())
        torch.testing.assert_close(table.detach()[row], torch.full((2,), -0.5))


def test_sgd_without_momentum_keeps_nothing() -> None:
    assert memory_of(Training.of("resnet8", momentum=0.0)) == {}
