"""Networks on a CPU: the same bytes by any number of threads, and each thread computes on one core."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.ops import StochasticDepth

from prune.core.arrays import Array
from prune.proxy import Training, boundary_distances, grad_norms, run_proxy
from prune.proxy.batches import in_batches
from prune.proxy.checkpoint import Checkpoint, run_checkpoint
from prune.proxy.inputs import Inputs
from prune.proxy.models import PROXIES
from prune.proxy.network_copies import Copies
from prune.store import Store

N = 1100  # so many that a step has two shards and more
CPU = torch.device("cpu")


def columns_of(store: Path) -> dict[str, bytes]:
    paths = sorted(path for path in (store / "columns").rglob("*") if path.is_file())
    return {str(path.relative_to(store)): path.read_bytes() for path in paths}


@pytest.fixture
def few(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> Callable[..., Any]:
    return lambda name, n=N: made(digits[0][:n, :, ::2, ::2], digits[1][:n], name=name)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda count: monkeypatch.setenv("OMP_NUM_THREADS", str(count))


def dropping(size: int, classes: int) -> nn.Module:
    """Layers that draw random numbers, each in another way."""
    layers = [nn.Linear(3 * size**2, 32), nn.BatchNorm1d(32), nn.Dropout(), nn.RReLU(), nn.AlphaDropout()]
    return nn.Sequential(nn.Flatten(), *layers, StochasticDepth(0.3, "row"), nn.Linear(32, classes))


@pytest.mark.parametrize("proxy", ["resnet8", "dropping"])
def test_training_goes_on_by_another_number_of_threads(
    few: Callable[..., Any],
    threads: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
) -> None:
    monkeypatch.setitem(PROXIES, "dropping", dropping)
    training = Training.of(proxy, epochs=2, size=8, batch=64, seed=5)
    one, other = few("one"), few("other")
    for made, count in ((one, 1), (other, 3)):
        threads(count)
        grad_norms(*made, training)
        if proxy == "dropping":
            boundary_distances(*made, training)
    assert columns_of(other[0].path) == columns_of(one[0].path)
    last = next((other[0].path / "columns/trace.0").rglob("part-00001-*"))
    last.unlink()
    threads(2)
    run_proxy(*other, training)
    assert columns_of(other[0].path) == columns_of(one[0].path)


class Watching(nn.Module):
    """A layer that notes which threads call it, and how many threads torch would use in them."""

    seen: list[tuple[int, int]] = []
    met = threading.Barrier(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((threading.get_ident(), torch.get_num_threads()))
        if self.training:
            self.met.wait(30)  # two at least are at work at once
        return x


def test_two_threads_are_at_work_at_once_and_each_computes_alone(
    few: Callable[..., Any], threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def watching(size: int, classes: int) -> nn.Module:
        return nn.Sequential(Watching(), nn.Flatten(), nn.Linear(3 * size**2, classes))

    monkeypatch.setitem(PROXIES, "watching", watching)
    threads(2)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run_proxy(*few("store"), Training.of("watching", epochs=1, size=8, batch=64))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    workers = {thread for thread, _ in Watching.seen}
    assert len(workers - {threading.get_ident()}) >= 2
    assert {count for _, count in Watching.seen} == {1}


def test_a_copy_shares_the_weights_and_nothing_else(threads: Callable[[int], None]) -> None:
    threads(2)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    copies = Copies(model, CPU, 9, training=True)
    assert copies.threads == 2
    with copies.one() as one, copies.one() as other:
        one(torch.randn(8, 3, 5, 5)).sum().backward()
        assert {id(one), id(other), id(model)}.__len__() == 3
        assert all(parameter.grad is None for parameter in [*model.parameters(), *other.parameters()])
        assert model[1].running_mean is not None
        assert not model[1].running_mean.any()
        with torch.no_grad():
            model[0].weight.fill_(7)
        assert (one[0].weight == 7).all()
        assert (other[0].weight == 7).all()


class Handle(nn.Module):
    """A network that cannot be copied, as it holds a lock."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.lock = nn.Linear(3 * 64, 10), threading.Lock()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with self.lock:
            return self.head(x.flatten(1))


def hooked() -> nn.Module:
    """A network whose hook writes to a list that all copies would share."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 10))
    model[0].register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize("build", [Handle, hooked])
def test_a_network_that_must_not_be_copied_runs_in_one_thread(
    few: Callable[..., Any], threads: Callable[[int], None], build: Callable[[], nn.Module]
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build()
    found = []
    for count in (1, 3):
        threads(count)
        made = few(str(count), 300)
        run_checkpoint(*made, Checkpoint(model, {"code": "x"}), needs=frozenset({"gradient", "boundary"}))
        found.append(columns_of(made[0].path))
        assert Copies(model.eval(), CPU, 9).threads == 1
    assert found[0] == found[1]


def test_a_users_model_leaves_the_same_bytes(few: Callable[..., Any], threads: Callable[[int], None]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = mobilenet_v2(num_classes=10).eval()
    found = []
    for count in (1, 2, 4):
        threads(count)
        made = few(str(count), 300)
        run_checkpoint(*made, Checkpoint(model, {"code": "x"}))
        found.append(columns_of(made[0].path))
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_batches_come_in_order_whoever_is_faster(
    few: Callable[..., Any], threads: Callable[[int], None]
) -> None:
    threads(4)
    _, dataset, column = few("store")
    inputs, first = Inputs(column, dataset, CPU), threading.Event()

    def work(_: nn.Module, rows: Array) -> int:
        if rows[0] == 0:
            assert first.wait(30)  # until a later one is done
        else:
            first.set()
        return int(rows[0])

    found = list(in_batches(nn.Linear(1, 1), inputs, inputs.rows, 16, work))
    assert [result for _, result in found] == [int(rows[0]) for rows, _ in found]
    assert np.concatenate([rows for rows, _ in found]).tolist() == inputs.rows.tolist()


def test_what_fails_in_a_thread_fails_here(few: Callable[..., Any], threads: Callable[[int], None]) -> None:
    threads(2)
    _, dataset, column = few("store")
    inputs = Inputs(column, dataset, CPU)

    def work(_: nn.Module, rows: Array) -> int:
        raise ZeroDivisionError(int(rows[0]))

    with pytest.raises(ZeroDivisionError, match="0"):
        list(in_batches(nn.Linear(1, 1), inputs, inputs.rows, 16, work))


def test_the_recipe_says_how_a_step_is_added_up_on_a_cpu(few: Callable[..., Any]) -> None:
    store: Store = few("store")[0]
    made = few("store")
    published = grad_norms(*made, Training.of("mlp", epochs=1, size=8))
    for name in ("trace.0", "grad_norm.0"):
        recipe = store.open_column(name, published[name]).recipe
        assert json.loads(json.dumps(recipe))["shards"] == {"training": 32, "threads": 1}
