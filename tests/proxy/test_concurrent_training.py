from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune.core.arrays import Array
from prune.core.progress import Advance
from prune.proxy import Proxy, Trace, Training, folds_of, part_of, run_proxies, run_proxy, train_until
from prune.proxy.concurrent_training import room_for
from prune.proxy.inputs import Inputs
from prune.proxy.train import draws_nothing, new_model
from prune.store import Store

N = 64
TRAINING = Training.of("lenet", epochs=4, size=16, batch=32)
RUNS = [Proxy(run) for run in range(3)]


def columns_of(store: Store) -> dict[str, bytes]:
    root = store.path / "columns"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def few(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> Callable[..., Any]:
    return lambda name="store": made(digits[0][:N], digits[1][:N], name=name)


class Watcher:
    """A reporter that counts threads, and may stop the work after a number of samples."""

    def __init__(self, after: int = 10**9) -> None:
        self.left, self.threads, self.stages = after, set[int](), list[str]()

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        self.stages.append(what)

        def advance(done: int) -> None:
            self.threads.add(threading.get_ident())
            self.left -= done
            if self.left < 0:
                raise KeyboardInterrupt

        yield advance

    def say(self, message: str) -> None:
        raise AssertionError(message)


def test_side_by_side_gives_the_bits_of_one_after_the_other(few: Callable[..., Any]) -> None:
    one, other = few("one"), few("other")
    training = Training.of("resnet8", epochs=2, size=16, batch=32)
    before = torch.get_rng_state()
    watcher = Watcher()
    published = run_proxies(*one, training, RUNS, reporter=watcher, at_once=2)
    assert len(watcher.threads - {threading.get_ident()}) == 2
    assert watcher.stages == ["training resnet8, runs 0 to 2", "taking features"]
    expected = {}
    for run in range(3):
        expected |= run_proxy(*other, training, run)
    assert published == expected
    assert columns_of(one[0]) == columns_of(other[0])
    assert torch.equal(before, torch.get_rng_state())
    assert set(one[0].costs) == {published[f"trace.{run}"] for run in range(3)}


def test_a_stop_ends_all_and_they_go_on_to_the_same_bytes(few: Callable[..., Any]) -> None:
    whole, broken = few("whole"), few("broken")
    run_proxies(*whole, TRAINING, RUNS)
    for after in (3 * N, 5 * N + 9):
        with pytest.raises(KeyboardInterrupt):
            run_proxies(*broken, TRAINING, RUNS, reporter=Watcher(after), at_once=3)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("proxy")]
    counted = Watcher()
    run_proxies(*broken, TRAINING, RUNS, reporter=counted, at_once=2)
    assert columns_of(broken[0]) == columns_of(whole[0])
    run_proxies(*broken, TRAINING, RUNS, reporter=Watcher(0))  # nothing is left to do


def test_more_runs_train_only_the_new_ones(few: Callable[..., Any]) -> None:
    made = few()
    run_proxies(*made, TRAINING, RUNS[:2])
    watcher = Watcher()
    run_proxies(*made, TRAINING, RUNS, reporter=watcher)
    assert watcher.stages == ["training lenet, run 2"]


def test_a_cpu_trains_one_at_a_time_and_random_layers_are_known(few: Callable[..., Any]) -> None:
    _, dataset, images = few()
    inputs = Inputs(images, dataset, torch.device("cpu"))
    assert room_for(inputs, TRAINING, 5) == 1
    steady = ("resnet8", "resnet9", "resnet20", "lenet", "mlp", "resnet18")
    assert all(draws_nothing(new_model(inputs, Training.of(p, size=16), 0)) for p in steady)
    assert not draws_nothing(nn.Sequential(nn.Linear(2, 2), nn.Dropout()))


def test_folds_learn_from_the_others_and_keep_their_own(few: Callable[..., Any]) -> None:
    store, dataset, images = few()
    folds = folds_of(dataset, np.arange(N), 2, 0, 0)
    published = run_proxies(store, dataset, images, TRAINING, [Proxy(0, fold) for fold in folds])
    assert sorted(published) == ["trace.0.0", "trace.0.1"]  # no features: each fold knows some samples only
    for fold in folds:
        trace = Trace(store.open_column(f"trace.0.{fold.fold}", published[f"trace.0.{fold.fold}"]))
        assert trace.fact("loss").shape == (4, len(fold.watched))
        assert np.isfinite(trace.fact("loss")).all()


def test_a_part_is_learnt_from_and_looked_at_alone(few: Callable[..., Any]) -> None:
    store, dataset, images = few()
    part = part_of(dataset, np.arange(N), "0.5", 0)
    published = run_proxies(store, dataset, images, TRAINING, [Proxy(0, part)])
    loss = Trace(store.open_column("trace.0", published["trace.0"])).fact("loss")
    assert np.flatnonzero(np.isfinite(loss[0])).tolist() == part.watched.tolist()
    changed = np.array(images.read())
    changed[np.setdiff1d(np.arange(N), part.learnt)] = 0
    features = store.open_column("embedding.proxy", published["embedding.proxy"]).read()
    assert np.isfinite(features).all()


class After:
    """Enough at an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch, self.seen = epoch, 0

    def __call__(self, facts: Array) -> bool:
        self.seen += 1
        assert facts.shape == (9, N)
        return self.seen >= self.epoch


def test_an_early_stop_is_the_beginning_of_the_whole(few: Callable[..., Any]) -> None:
    short, whole = few("short"), few("whole")
    run_proxy(*whole, TRAINING)
    expected = columns_of(whole[0])
    stopped = train_until(*short, TRAINING, After(2))
    assert (stopped.stop, stopped.last, stopped.epochs) == (2, 2, 4)
    watcher = Watcher()
    published = run_proxy(*short, stopped, reporter=watcher)
    assert watcher.stages == ["taking features"]
    trace = short[0].open_column("trace.0", published["trace.0"])
    full = next(iter(whole[0].path.glob("columns/trace.0/*")))
    assert trace.shape == (2, 9, N)
    assert trace.read()[1:].tobytes() == np.load(next(full.glob("part-00001-*"))).tobytes()
    assert trace.attachments("weights") == [1, 2]
    assert short[0].unfinished == []
    assert (
        train_until(*short, TRAINING, After(1), reporter=Watcher(0)) == stopped
    )  # nothing is cut, nor trained
    assert train_until(*short, TRAINING, After(3)).stop == 3
    run_proxy(*short, TRAINING)
    found = columns_of(short[0])
    assert {name: found[name] for name in expected} == expected
    assert train_until(*short, TRAINING, After(1), reporter=Watcher(0)) == TRAINING


@pytest.mark.parametrize("after", [N + 10, 3 * N, 4 * N + 1])
def test_an_early_stop_that_was_killed_comes_to_the_same(few: Callable[..., Any], after: int) -> None:
    whole, broken = few("whole"), few("broken")
    run_proxy(*whole, train_until(*whole, TRAINING, After(3)))
    with pytest.raises(KeyboardInterrupt):
        train_until(*broken, TRAINING, After(3), reporter=Watcher(after))
    run_proxy(*broken, train_until(*broken, TRAINING, After(3)))
    assert columns_of(broken[0]) == columns_of(whole[0])
