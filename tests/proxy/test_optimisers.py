from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from prune.proxy.config import Training
from prune.proxy.ngram_network import NgramMean
from prune.proxy.optimisers import Adagrad, memory_of, optimiser_of


def batches() -> list[Tensor]:
    source = torch.Generator().manual_seed(0)
    return [torch.randint(0, 12, (6, 5), generator=source) for _ in range(7)]


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(NgramMean(12, 3), nn.Linear(3, 2))


def trained(model: nn.Module, optimiser: torch.optim.Optimizer) -> list[Tensor]:
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
        ("resnet8", torch.optim.SGD, {"momentum": "momentum_buffer"}),
    ],
)
def test_each_network_has_the_optimiser_that_suits_it(proxy: str, kind: type, kept: dict[str, str]) -> None:
    training = Training.of(proxy)
    optimiser = optimiser_of(network(), training)
    assert type(optimiser) is kind
    assert memory_of(training) == kept


def test_sgd_without_momentum_keeps_nothing() -> None:
    assert memory_of(Training.of("resnet8", momentum=0.0)) == {}
