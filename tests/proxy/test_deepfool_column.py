"""Distances to the decision boundary, by the closed form and by a slow loop; a column that resumes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from prune.core.arrays import Array
from prune.core.progress import SILENT, Advance
from prune.proxy import Training, boundary_distances
from prune.proxy.deepfool_column import distances
from prune.proxy.small_networks import resnet8

N = 40
SHORT = Training.of("mlp", epochs=2, size=8, batch=16, seed=3)


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """A reporter that kills the run in a stage."""

    def __init__(self, stage: str) -> None:
        self.at = stage

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        left = total // 2

        def advance(done: int) -> None:
            nonlocal left
            left -= done
            if what == self.at and left < 0:
                raise Killed

        yield advance

    def say(self, message: str) -> None:
        pass


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def linear(seed: int, d: int, c: int) -> nn.Linear:
    layer = nn.Linear(d, c)
    layer.weight.data, layer.bias.data = drawn(seed, c, d), drawn(seed + 1, c)
    return layer


def small_net(seed: int) -> nn.Module:
    return nn.Sequential(linear(seed, 5, 16), nn.Tanh(), linear(seed + 2, 16, 12))


def one_by_one(model: nn.Module, x: Tensor, *, classes: int, steps: int, overshoot: float) -> float:
    """DeepFool as published, of one sample, class after class."""
    order = model(x[None])[0].argsort(descending=True).tolist()[:classes]
    total = torch.zeros_like(x)
    for _ in range(steps):
        here = (x + (1 + overshoot) * total).detach().requires_grad_()
        logits = model(here[None])[0]
        if int(logits.argmax()) != order[0]:
            break
        best, move = np.inf, total
        for rival in order[1:]:
            (w,) = torch.autograd.grad(logits[rival] - logits[order[0]], here, retain_graph=True)
            gap = float((logits[order[0]] - logits[rival]).detach())
            if gap / float(w.norm()) < best:
                best, move = gap / float(w.norm()), gap / float(w.norm()) ** 2 * w
        total = total + move
    return float(total.norm()) ** 2


def test_of_a_linear_network_is_the_distance_to_the_nearest_hyperplane() -> None:
    layer, x = linear(0, 6, 4), drawn(9, 25, 6)
    z, w = layer(x).detach(), layer.weight.detach()
    expected = []
    for i in range(25):
        y = int(z[i].argmax())
        expected.append(
            min(float((z[i, y] - z[i, j]) / (w[y] - w[j]).norm()) for j in range(4) if j != y) ** 2
        )
    np.testing.assert_allclose(distances(layer, x).numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("classes", [3, 10])
def test_equals_a_slow_loop(classes: int) -> None:
    model, x = small_net(0), drawn(1, 30, 5)
    expected = [one_by_one(model, one, classes=classes, steps=50, overshoot=0.02) for one in x]
    np.testing.assert_allclose(distances(model, x, classes=classes).numpy(), expected, rtol=1e-3, atol=1e-7)


def test_is_0_on_the_boundary_and_grows_with_the_distance() -> None:
    model = nn.Linear(1, 2)
    model.weight.data, model.bias.data = torch.tensor([[1.0], [-1.0]]), torch.zeros(2)
    found = distances(model, torch.tensor([[0.0], [0.5], [-2.0], [3.0]]))
    np.testing.assert_allclose(found.numpy(), [0, 0.25, 4, 9], rtol=1e-6)


def test_is_infinite_where_nothing_moves_the_output() -> None:
    dead = nn.Sequential(linear(0, 3, 4), nn.ReLU(), linear(1, 4, 3))
    dead[0].weight.data.zero_()
    assert distances(dead, drawn(0, 5, 3)).isinf().all()


def test_two_classes_that_are_one_do_not_hide_the_third() -> None:
    model = nn.Linear(2, 3)
    model.weight.data = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    model.bias.data = torch.zeros(3)
    found = distances(model, torch.tensor([[2.0, 5.0]]))
    assert torch.isfinite(found).all()


def test_of_a_convolutional_network_does_not_depend_on_the_rest_of_the_batch() -> None:
    torch.manual_seed(0)
    model, x = resnet8(8, 6).eval(), drawn(3, 12, 3, 8, 8)
    whole = distances(model, x)
    single = torch.cat([distances(model, one[None]) for one in x])
    np.testing.assert_allclose(whole.numpy(), single.numpy(), rtol=2e-2)
    assert (whole > 0).all()


def test_writes_a_column_of_every_usable_sample(
    digits: tuple[Array, list[int | None]], made: Callable[..., Any]
) -> None:
    labels = [*digits[1][: N - 1], None]
    store, dataset, images = made(digits[0][:N], labels, bad={3: "broken"}, rejects={7: "cut"})
    published = boundary_distances(store, dataset, images, SHORT)
    assert sorted(published) == ["deepfool.0", "embedding.proxy", "probs", "trace.0"]
    values = store.open_column("deepfool.0", published["deepfool.0"]).read()
    assert values.dtype == np.float32
    assert np.flatnonzero(np.isnan(values)).tolist() == [3, 7]
    assert (values[~np.isnan(values)] > 0).all()


def test_a_run_killed_in_the_middle_goes_on_to_the_same_bytes(
    digits: tuple[Array, list[int | None]], made: Callable[..., Any]
) -> None:
    in_parts = dataclasses.replace(boundary_distances, part_rows=16)
    found = []
    for name, reporters in (
        ("whole", [SILENT]),
        ("broken", [Killer("distances to the decision boundary")] * 2 + [SILENT]),
    ):
        store, dataset, images = made(digits[0][:N], digits[1][:N], name=name)
        for reporter in reporters:
            with contextlib.suppress(Killed):
                published = in_parts(store, dataset, images, SHORT, reporter=reporter)
        found.append(store.open_column("deepfool.0", published["deepfool.0"]).read())
    np.testing.assert_array_equal(*found)
