from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from prune.core.errors import OptionError
from prune.proxy import layer_grad_norms
from prune.proxy.models import PROXIES, build
from prune.proxy.ngram_network import NgramMean
from prune.proxy.sample_grad_norms import gradient_norms, obstacle


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
                if module.bias is not None:
                    module.bias.uniform_(-0.5, 0.5, generator=source)
    return model.eval()


def samples(*shape: int, n: int = 5) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(0)
    return torch.randn(n, *shape, generator=source), torch.randint(0, 4, (n,), generator=source)


def network(build_it: type[nn.Module] | object, *args: object) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build_it(*args)  # type: ignore[operator]


@pytest.mark.parametrize("name", sorted(set(PROXIES) - {"linear", "ngram"}))
def test_every_network_of_the_house_equals_autograd(name: str) -> None:
    x, y = samples(3, 16, 16)
    x = x.contiguous(memory_format=torch.channels_last)
    model = seasoned(network(build, name, (3, 16, 16), 4), x)
    assert obstacle(model, x) == ""
    torch.testing.assert_close(gradient_norms(model, x, y), oracle(model, x, y), rtol=1e-5, atol=0)


LAYERS = {
    "groups, stride and dilation": (
        lambda: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(2, 1), groups=2),
        (4, 9, 8),
    ),
    "depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4, bias=False), (4, 6, 6)),
    "wide kernels on few places": (lambda: nn.Conv2d(16, 32, 3), (16, 4, 4)),
    "one place": (lambda: nn.Conv2d(4, 8, 3), (4, 3, 3)),
    "half a pixel of padding": (lambda: nn.Conv2d(4, 6, (2, 3), padding="same", dilation=(1, 2)), (4, 6, 7)),
    "padding by name": (lambda: nn.Conv2d(4, 6, 3, padding="valid"), (4, 6, 7)),
    "mirrored edges": (lambda: nn.Conv2d(4, 6, 3, padding=2, padding_mode="reflect"), (4, 6, 7)),
    "repeated edges": (lambda: nn.Conv2d(16, 32, 3, padding=1, padding_mode="replicate"), (16, 4, 4)),
    "round the edge": (lambda: nn.Conv2d(4, 6, 3, padding="same", padding_mode="circular"), (4, 6, 7)),
    "few places, stride and dilation": (
        lambda: nn.Conv2d(48, 64, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(2, 1)),
        (48, 4, 3),
    ),
    "few places in groups": (lambda: nn.Conv2d(32, 64, 3, padding=1, groups=2), (32, 2, 2)),
    "few places, one by one": (lambda: nn.Conv2d(32, 64, 1, stride=2), (32, 4, 4)),
    "few places, one row": (lambda: nn.Conv2d(32, 64, (1, 3), padding=(0, 1)), (32, 2, 3)),
    "one by one": (lambda: nn.Conv2d(4, 8, 1, stride=2), (4, 5, 5)),
    "linear on a sequence": (lambda: nn.Linear(6, 20), (7, 6)),
    "linear without bias": (lambda: nn.Linear(6, 20, bias=False), (6,)),
    "batch norm of vectors": (lambda: nn.BatchNorm1d(6), (6,)),
    "batch norm of images": (lambda: nn.BatchNorm2d(6), (6, 3, 3)),
    "group norm": (lambda: nn.GroupNorm(2, 6), (6, 3, 3)),
    "layer norm without shift": (lambda: nn.LayerNorm(6, bias=False), (7, 6)),
    "batch norm of sequences": (lambda: nn.BatchNorm1d(6), (6, 5)),
    "group norm of sequences": (lambda: nn.GroupNorm(3, 6), (6, 5)),
    "layer norm of vectors": (lambda: nn.LayerNorm(6), (6,)),
    "layer norm of a sequence": (lambda: nn.LayerNorm(6), (7, 6)),
    "layer norm of images": (lambda: nn.LayerNorm((6, 3, 3)), (6, 3, 3)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("what", LAYERS)
def test_every_layer_equals_autograd(what: str) -> None:
    make, shape = LAYERS[what]
    x, y = samples(*shape)
    layer = network(make)
    width = layer(x).flatten(1).shape[1]
    model = seasoned(nn.Sequential(layer, nn.Tanh(), nn.Flatten(), network(nn.Linear, width, 4)), x)
    assert obstacle(model, x) == ""
    torch.testing.assert_close(gradient_norms(model, x, y), oracle(model, x, y), rtol=1e-5, atol=0)


def texts(n: int = 5) -> tuple[Tensor, Tensor]:
    """Ids, many of them several times in a text, then 0; one text has none."""
    source = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 6, (n, 7), generator=source) * (torch.arange(7) < torch.arange(n)[:, None] + 2)
    ids[1] = 0
    return ids.int(), torch.randint(0, 4, (n,), generator=source)


@pytest.mark.parametrize(
    "first",
    [
        lambda: NgramMean(8, 3),
        lambda: nn.Sequential(nn.Embedding(8, 3), nn.Flatten(), nn.Linear(21, 3)),
        lambda: nn.Sequential(nn.Embedding(8, 3, padding_idx=0), nn.Flatten(), nn.Linear(21, 3)),
    ],
)
def test_tables_that_ids_look_up_equal_autograd(first: Callable[[], nn.Module]) -> None:
    ids, labels = texts()
    model = nn.Sequential(network(first), network(nn.Linear, 3, 4)).eval()
    assert obstacle(model, ids) == ""
    found = gradient_norms(model, ids, labels)
    norms = []
    for x, y in zip(ids, labels, strict=True):
        model.zero_grad()
        functional.cross_entropy(model(x[None]), y[None]).backward()
        norms.append(sum(p.grad.to_dense().double().square().sum() for p in model.parameters()).sqrt())
    torch.testing.assert_close(found, torch.stack(norms), rtol=1e-5, atol=0)


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


@pytest.mark.parametrize("exact", [False, True])
def test_no_sample_is_too_certain_for_digits(exact: bool) -> None:
    model = nn.Linear(1, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[80.0], [0.0]]))
        model.bias.zero_()
    (norm,) = gradient_norms(model, torch.tensor([[1.0]]), torch.tensor([0]), exact=exact).tolist()
    assert norm == pytest.approx(2 * math.exp(-80), rel=1e-6)  # its square is 0 in float32


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


REASONS = {
    Twice: r"layer (Linear): not used exactly once",
    Tied: r"second (Linear) shares a weight with first",
    Loose: r"the network (Loose) has no fast way",
    Windows: r"layer (Linear): not used exactly once on the whole batch",
    Transposed: r"the norms by layer are not autograd's",
}


@pytest.mark.parametrize("kind", REASONS)
def test_networks_that_hooks_cannot_follow_are_named_and_go_sample_by_sample(kind: type[nn.Module]) -> None:
    x, y = samples(6)
    model = network(kind)
    assert REASONS[kind] in obstacle(model, x)
    exact = gradient_norms(model, x, y, exact=True)
    torch.testing.assert_close(exact, oracle(model, x, y), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.ConvTranspose2d(3, 2, 2), (3, 4, 4)),
        (nn.Conv1d(3, 2, 2), (3, 4)),
        (nn.PReLU(), (6,)),
        (nn.InstanceNorm2d(3, affine=True), (3, 4, 4)),
        (nn.utils.parametrizations.weight_norm(nn.Linear(6, 5)), (6,)),
    ],
)
def test_layers_that_hooks_do_not_know_are_named(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x, y = samples(*shape)
    width = layer(x).flatten(1).shape[1]
    model = nn.Sequential(layer, nn.Flatten(), network(nn.Linear, width, 4))
    assert f"({type(layer).__name__})" in obstacle(model, x)
    exact = gradient_norms(model, x, y, exact=True)
    torch.testing.assert_close(exact, oracle(model, x, y), rtol=1e-5, atol=0)


def test_a_trained_network_is_tried_where_its_gradients_are_not_zero() -> None:
    """With labels of the class that it is certain of, all norms would be 0, and every way right."""
    x, _ = samples(6, n=3)
    model = network(Transposed)
    with torch.no_grad():
        model.head.bias[0] = 1000.0
    assert obstacle(model, x) == "the norms by layer are not autograd's"


def test_what_has_no_gradient_of_its_own_is_refused_by_name() -> None:
    x, _ = samples(3, 6, 6)
    head = nn.Sequential(nn.Flatten(), nn.Linear(72, 4))
    mixing = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.BatchNorm2d(2, track_running_stats=False), head)
    with pytest.raises(OptionError, match=r"1 \(BatchNorm2d\) keeps no running statistics") as caught:
        obstacle(mixing, x)
    assert "grad_norm_last" in caught.value.hint
    with pytest.raises(OptionError, match=r"cannot differentiate this network \(layer \(Linear\)"):
        obstacle(network(Overwriting), samples(6)[0])
    with pytest.raises(OptionError, match="no parameter of this network learns"):
        obstacle(head.requires_grad_(False), samples(2, 6, 6)[0])


def test_frozen_layers_are_left_out() -> None:
    x, y = samples(6)
    model = nn.Sequential(network(nn.Linear, 6, 5), nn.Tanh(), network(nn.Linear, 5, 4))
    model[0].requires_grad_(False)
    assert obstacle(model, x) == ""
    torch.testing.assert_close(gradient_norms(model, x, y), oracle(model, x, y), rtol=1e-5, atol=0)
    model[2].bias.requires_grad_(False)
    assert obstacle(model, x) == "2 (Linear) has no fast way"
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, False]
    exact = gradient_norms(model, x, y, exact=True)
    torch.testing.assert_close(exact, oracle(model, x, y), rtol=1e-5, atol=0)


def test_layers_may_be_overwritten_in_place() -> None:
    x, y = samples(3, 8, 8)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3), nn.ReLU(inplace=True)]
    model = network(lambda: nn.Sequential(*layers, nn.Flatten(), nn.Linear(64, 4)))
    assert obstacle(model, x) == ""
    torch.testing.assert_close(gradient_norms(model, x, y), oracle(model, x, y), rtol=1e-5, atol=0)


def test_blocks_of_samples_do_not_change_the_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = samples(3, 16, 16, n=9)
    model = seasoned(network(build, "resnet8", (3, 16, 16), 4), x)
    whole = gradient_norms(model, x, y)
    monkeypatch.setattr(layer_grad_norms, "_FLOATS", {"cpu": 30_000})
    torch.testing.assert_close(gradient_norms(model, x, y), whole, rtol=1e-5, atol=0)


def test_reuse_is_an_error_in_the_fast_way() -> None:
    x, y = samples(6)
    with pytest.raises(ValueError, match=r"layer \(Linear\): not used exactly once"):
        gradient_norms(network(Twice), x, y)
