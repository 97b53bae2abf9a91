from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from prune.proxy.gradients import gradient_norms, is_covered
from prune.proxy.models import PROXIES, build


def oracle(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """A backward pass a sample, in float64, written without looking at the code under test."""
    model = model.double().eval()
    norms = []
    for x, y in zip(inputs.double(), labels, strict=True):
        model.zero_grad()
        functional.cross_entropy(model(x[None]), y[None]).backward()
        norms.append(sum(p.grad.square().sum() for p in model.parameters() if p.grad is not None).sqrt())
    model.zero_grad(set_to_none=True)
    model.float()
    return torch.stack(norms)


def seasoned(model: nn.Module, inputs: Tensor) -> nn.Module:
    """Give normalisations statistics and affine numbers that are not 0 and 1."""
    source = torch.Generator().manual_seed(1)
    model.train()
    with torch.no_grad():
        model(inputs * 2 + 0.3)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5, generator=source)
                module.bias.uniform_(-0.5, 0.5, generator=source)
    return model.eval()


def samples(*shape: int, n: int = 5) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    return torch.randn(n, *shape, generator=source), torch.randint(0, 4, (n,), generator=source)


def network(build_it: type[nn.Module] | object, *args: object) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_it(*args)  # type: ignore[operator]


@pytest.mark.parametrize("name", sorted(set(PROXIES) - {"linear"}))
def test_every_network_of_the_house_equals_autograd(name: str) -> None:
    x, y = samples(3, 16, 16)
    x = x.contiguous(memory_format=torch.channels_last)
    model = seasoned(network(build, name, (3, 16, 16), 4), x)
    assert is_covered(model, x, y)
    torch.testing.assert_close(gradient_norms(model, x, y), oracle(model, x, y), rtol=1e-5, atol=0)


LAYERS = {
    "groups, stride and dilation": (
        lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(2, 1), groups=2),
        (4, 9, 8),
    ),
    "depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False), (4, 6, 6)),
    "wide kernels on few places": (lambda: nn.Conv2d(16, 32, 3), (16, 4, 4)),
    "one place": (lambda: nn.Conv2d(4, 8, 3), (4, 3, 3)),
    "one by one": (lambda: nn.Conv2d(4, 8, 1, stride=2), (4, 5, 5)),
    "linear on a sequence": (lambda: nn.Linear(6, 20), (7, 6)),
    "linear without bias": (lambda: nn.Linear(6, 20, bias=False), (6,)),
    "batch norm of vectors": (lambda: nn.BatchNorm1d(6), (6,)),
    "batch norm of images": (lambda: nn.BatchNorm2d(6), (6, 3, 3)),
    "group norm": (lambda: nn.GroupNorm(2, 6), (6, 3, 3)),
    "layer norm of vectors": (lambda: nn.LayerNorm(6), (6,)),
    "layer norm of a sequence": (lambda: nn.LayerNorm(6), (7, 6)),
    "layer norm of images": (lambda: nn.LayerNorm((6, 3, 3)), (6, 3, 3)),
}


@pytest.mark.parametrize("what", LAYERS)
def test_every_layer_equals_autograd(what: str) -> None:
    make, shape = LAYERS[what]
    x, y = samples(*shape)
    layer = network(make)
    width = layer(x).flatten(1).shape[1]
    model = seasoned(nn.Sequential(layer, nn.Tanh(), nn.Flatten(), network(nn.Linear, width, 4)), x)
    assert is_covered(model, x, y)
    torch.testing.assert_close(gradient_norms(model, x, y), oracle(model, x, y), rtol=1e-5, atol=0)


def test_does_not_depend_on_the_batch() -> None:
    x, y = samples(3, 12, 12, n=7)
    model = seasoned(network(build, "resnet8", (3, 12, 12), 4), x)
    whole = gradient_norms(model, x, y)
    alone = torch.cat([gradient_norms(model, x[i : i + 1], y[i : i + 1]) for i in range(7)])
    uneven = torch.cat([gradient_norms(model, x[i : i + 3], y[i : i + 3]) for i in range(0, 7, 3)])
    torch.testing.assert_close(alone, whole, rtol=1e-5, atol=0)
    torch.testing.assert_close(uneven, whole, rtol=1e-5, atol=0)


def test_a_certain_and_right_sample_has_no_gradient() -> None:
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1000.0, 0.0], [0.0, 0.0]]))
        model.bias.zero_()
    x, y = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1])
    right, wrong = gradient_norms(model, x, y).tolist()
    assert right == 0
    assert wrong == pytest.approx(2)  # e = (1, −1), h = (1, 0) and the bias: √2 · √(1 + 1)


def test_a_nearly_certain_sample_keeps_its_digits() -> None:
    model = nn.Linear(1, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[18.0], [0.0]]))
        model.bias.zero_()
    (norm,) = gradient_norms(model, torch.tensor([[1.0]]), torch.tensor([0])).tolist()
    assert norm == pytest.approx(2 / (1 + math.exp(18)), rel=1e-6)  # e = (−q, q), q = 1.5e-8


def test_leaves_the_network_as_it_was() -> None:
    x, y = samples(3, 8, 8)
    model = network(build, "resnet8", (3, 8, 8), 4)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    gradient_norms(model, x, y)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


class Twice(nn.Module):
    """Uses one layer twice: the norm of the sum is not the sum of the norms."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(6, 6), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.layer(x).tanh()))


class Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 4)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x).tanh()))


class Loose(nn.Module):
    """A parameter that belongs to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.head = nn.Parameter(torch.full((6,), 2.0)), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x * self.scale)


class Windows(nn.Module):
    """A layer whose first axis is not the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(2, 2), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x.view(-1, 2)).tanh().view(len(x), 6))


class Transposed(nn.Module):
    """A layer whose first axis has the length of the probe, and is not the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(2, 2), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        turned = x.view(len(x), 3, 2).transpose(0, 1)
        return self.head(self.layer(turned).tanh().transpose(0, 1).flatten(1))


class Overwriting(nn.Module):
    """Overwrites the input of a layer after it was used."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(6, 6), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x * 1.0
        y = self.layer(x)
        x.mul_(3.0)
        return self.head(y + x)


@pytest.mark.parametrize("kind", [Twice, Tied, Loose, Windows, Transposed, Overwriting])
def test_networks_that_hooks_cannot_follow_go_sample_by_sample(kind: type[nn.Module]) -> None:
    x, y = samples(6)
    model = network(kind)
    assert not is_covered(model, x, y)
    if kind is not Overwriting:  # autograd itself refuses that one
        exact = gradient_norms(model, x, y, exact=True)
        torch.testing.assert_close(exact, oracle(model, x, y), rtol=1e-5, atol=0)


def test_reuse_is_an_error_in_the_fast_way() -> None:
    x, y = samples(6)
    with pytest.raises(ValueError, match="1 layers were not used exactly once"):
        gradient_norms(network(Twice), x, y)
