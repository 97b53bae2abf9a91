from __future__ import annotations

import pytest
import torch
from torch import nn

from prune.core.errors import OptionError, UnknownNameError
from prune.proxy.models import PROXIES, build, head_of, with_features

IMAGES = sorted(set(PROXIES) - {"linear", "ngram"})


@pytest.mark.parametrize("size", [4, 15, 32])
@pytest.mark.parametrize("name", IMAGES)
def test_every_network_takes_every_size(name: str, size: int) -> None:
    model = build(name, (3, size, size), 5)
    logits, h = with_features(model.train(), torch.randn(2, 3, size, size))
    assert logits.shape == (2, 5)
    torch.testing.assert_close(nn.functional.linear(h, head_of(model).weight, head_of(model).bias), logits)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("resnet8", 2e5, 6e5), ("resnet9", 5e6, 8e6), ("resnet20", 2.6e5, 2.8e5)]
)
def test_networks_are_as_large_as_they_say(name: str, low: float, high: float) -> None:
    assert low < sum(p.numel() for p in build(name, (3, 32, 32), 10).parameters()) < high


def test_torchvision_networks_keep_small_images_large() -> None:
    small = build("resnet18", (3, 32, 32), 10)
    assert small.conv1.kernel_size == (3, 3)
    assert small.conv1.stride == (1, 1)
    assert isinstance(small.maxpool, nn.Identity)
    assert build("shufflenet_v2_x0_5", (3, 96, 96), 10).conv1[0].stride == (2, 2)


def test_linear_is_a_head_on_an_embedding() -> None:
    h = torch.randn(4, 7)
    logits, features = with_features(build("linear", (7,), 3), h)
    assert logits.shape == (4, 3)
    assert features is h


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="no proxy is called 'resnet88'") as caught:
        build("resnet88", (3, 32, 32), 10)
    assert "resnet" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("alexnet", (3, 32, 32), "alexnet cannot take images of 32 pixels a side"),
        ("squeezenet1_1", (3, 32, 32), "squeezenet1_1 has no linear head"),
        ("resnet8", (64,), "resnet8 wants images, but was given samples of shape"),
        ("linear", (3, 8, 8), "linear wants an embedding"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build(name, shape, 10)


def test_a_network_without_linear_layer_has_no_head() -> None:
    with pytest.raises(ValueError, match="Sequential has no linear layer"):
        head_of(nn.Sequential())
