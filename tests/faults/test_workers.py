"""A worker that dies is noticed and its images are read again, once; short memory makes smaller batches."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune import pipeline
from prune.core.errors import DataError, OptionError
from prune.encoders.network import Network
from prune.modalities.image import Crop
from prune.proxy import train
from prune.steps import embedding_column
from prune.steps.settings import Settings
from prune.store import Store
from prune.system.executors.worker_pool import WorkerPool

TABLE = "Stopped at any time"
TRAINING = {"proxy": "mlp", "epochs": 2, "size": 8}


class Listener:
    """A reporter that keeps what is said, and calls back as work goes on."""

    def __init__(self, on_advance: Callable[[], object] = lambda: None) -> None:
        self.said: list[str] = []
        self._on_advance = on_advance

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Callable[[int], None]]:
        yield lambda _: self._on_advance()

    def say(self, message: str) -> None:
        self.said.append(message)

    @property
    def of_memory(self) -> list[str]:
        return [message for message in self.said if "memory is short" in message]


def kill_a_worker() -> bool:
    for process in multiprocessing.active_children():
        with contextlib.suppress(ProcessLookupError, ValueError):  # it may be gone already
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


def embed(home: Path, data: Path, settings: Settings) -> None:
    pipeline.embed(home / "store", str(data), encoder="pixels", settings=settings)


def score(home: Path, data: Path, settings: Settings) -> None:
    pipeline.score(home / "store", str(data), types=["el2n"], training=TRAINING, settings=settings)


@pytest.mark.usefixtures("four_at_once")
@pytest.mark.parametrize("verb", [embed, score])
def test_killed_workers_change_no_byte(
    tmp_path: Path, sources: Path, verb: Any, content: Any, tally: Any
) -> None:
    whole = tmp_path / "whole"
    verb(whole, sources / "images", Settings())
    for batch in (0, 2, 5) if verb is score else (0,):  # one batch of `embed` is all there is
        home, told = tmp_path / f"{batch}", Listener(kill_after(batch))
        with murderous(victims=int(batch == 0)):
            verb(home, sources / "images", Settings(workers=2, reporter=told))
        assert content(home) == content(whole)
        assert sum("worker process was killed by signal 9" in words for words in told.said) == 1
        tally(TABLE, verb.__name__, "worker killed")


def kill_after(batch: int) -> Callable[[], object]:
    """Kill one worker when so many batches are read; of none, never: that is for `murderous`."""
    left = [batch]

    def read() -> None:
        left[0] -= 1
        if left[0] == 0:
            kill_a_worker()

    return read


@contextlib.contextmanager
def murderous(victims: int = 1_000_000) -> Iterator[None]:
    """Kill workers as soon as they are there."""
    over = threading.Event()

    def run() -> None:
        left = victims
        while left and not over.wait(0.01):
            left -= kill_a_worker()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.usefixtures("four_at_once")
@pytest.mark.parametrize("verb", [embed, score])
def test_images_that_kill_two_workers_are_named_and_the_command_goes_on_later(
    tmp_path: Path, sources: Path, verb: Any, content: Any, tally: Any
) -> None:
    whole, home = tmp_path / "whole", tmp_path / "killed"
    verb(whole, sources / "images", Settings())
    with murderous(), pytest.raises(DataError, match="between 'left/000.png' and '(left|right)/0") as caught:
        verb(home, sources / "images", Settings(workers=1))
    assert "the one that took over its work too" in str(caught.value)
    assert "--workers 0" in caught.value.hint
    assert multiprocessing.active_children() == []
    verb(home, sources / "images", Settings(workers=1))
    assert content(home) == content(whole)
    tally(TABLE, verb.__name__, "worker killed", 2)


def test_a_worker_killed_while_it_sends_leaves_nobody_waiting() -> None:
    size, said = 30_000_000, []
    pool = WorkerPool(1, os.urandom, say=said.append)
    try:
        assert len(pool.submit(size).result(60)) == size
        for moment in (0.0, 0.05, 0.15):
            answer = pool.submit(size)
            time.sleep(moment)
            kill_a_worker()
            assert len(answer.result(60)) == size
    finally:
        pool.close()
    assert said


def test_processes_that_work_for_long_are_ended_at_once() -> None:
    pool = WorkerPool(2, time.sleep, say=print)
    waiting = [pool.submit(600) for _ in range(6)]
    while len(multiprocessing.active_children()) < 2:
        time.sleep(0.01)
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 200  # of 600, on however busy a machine
    assert all(answer.done() for answer in waiting)
    assert multiprocessing.active_children() == []


class Narrow(nn.Module):
    """A network that so many images fill."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) > self.room:
            raise torch.OutOfMemoryError
        return pixels.mean((2, 3))


@pytest.mark.parametrize(("room", "halvings"), [(8, 0), (5, 1), (1, 3)])
def test_an_encoder_goes_on_in_smaller_batches_with_the_same_bytes(
    tmp_path: Path, sources: Path, room: int, halvings: int, monkeypatch: Any, content: Any, tally: Any
) -> None:
    told, one = Listener(), (1.0, 1.0, 1.0)
    for home, space in ((tmp_path / "whole", 999), (tmp_path / "short", room)):
        net = Network(
            Narrow(space), name="pixels", crop=Crop(8, 8), mean=one, std=one, device="cpu", say=told.say
        )
        monkeypatch.setattr(embedding_column, "open_encoder", lambda _, net=net, **__: net)
        pipeline.embed(home / "store", str(sources / "images"), encoder="pixels")
    assert content(tmp_path / "short") == content(tmp_path / "whole")
    assert all("images at a time" in words for words in told.of_memory)
    assert len(told.of_memory) == halvings
    tally(TABLE, "embed", "out of device memory")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give every proxy room for so many samples, in training and (if not `training`) in evaluation."""

    def limit(room: int, *, evaluating: int | None = None) -> None:
        def check(module: nn.Module, given: tuple[torch.Tensor]) -> None:
            space = room if module.training or evaluating is None else evaluating
            if len(given[0]) > space:
                raise torch.OutOfMemoryError

        def build(*words: Any) -> nn.Module:
            made = real(*words)
            made.register_forward_pre_hook(check)
            return made

        monkeypatch.setattr(train, "build", build)

    real = train.build
    return limit


TYPES = ["el2n", "grad_norm", "deepfool"]


def scores(home: Path, data: Path, told: Listener, **training: Any) -> np.ndarray:
    store = Store(home / "store")
    settings = Settings(reporter=told)
    pipeline.score(store, str(data), types=TYPES, training=TRAINING | training, settings=settings)
    return np.stack([store.column(f"score.{name}").read() for name in TYPES])


def test_a_proxy_goes_on_in_smaller_pieces_and_says_so(
    tmp_path: Path, sources: Path, narrow: Any, content: Any, tally: Any
) -> None:
    data, told = sources / "images", Listener()
    full = scores(tmp_path / "full", data, told)
    narrow(64)
    assert (scores(tmp_path / "wide", data, told) == full).all()
    assert told.of_memory == []
    narrow(9)
    short = scores(tmp_path / "short", data, told)
    np.testing.assert_allclose(short, full, rtol=2e-2, atol=1e-3)  # sums in another order
    assert "the device's memory is short: the proxy goes on with 7 samples at a time" in told.of_memory[0]
    scores(tmp_path / "again", data, Listener())
    assert content(tmp_path / "again") == content(tmp_path / "short")
    tally(TABLE, "score", "out of device memory", 3)


def test_evaluation_alone_may_be_short_of_memory(
    tmp_path: Path, sources: Path, narrow: Any, tally: Any
) -> None:
    data, told = sources / "images", Listener()
    full = scores(tmp_path / "full", data, told)
    narrow(999, evaluating=3)
    np.testing.assert_allclose(scores(tmp_path / "short", data, told), full, rtol=2e-2, atol=1e-3)
    assert told.of_memory
    tally(TABLE, "score", "out of device memory")


def test_batch_normalisation_never_meets_a_single_sample(
    tmp_path: Path, sources: Path, narrow: Any, tally: Any
) -> None:
    told = Listener()
    narrow(3)
    found = scores(tmp_path, sources / "images", told, proxy="resnet8")
    assert np.isfinite(found).all()
    assert "batch normalisation sees no more either" in told.of_memory[0]
    tally(TABLE, "score", "out of device memory")


@pytest.mark.parametrize(("room", "words"), [(0, "training step of two images"), (1, "of two images")])
def test_a_proxy_that_never_fits_is_one_sentence(
    tmp_path: Path, sources: Path, narrow: Any, room: int, words: str, content: Any, tally: Any
) -> None:
    narrow(room)
    with pytest.raises(OptionError, match=words) as caught:
        scores(tmp_path / "home", sources / "images", Listener())
    assert "--device cpu" in caught.value.hint
    narrow(999)
    scores(tmp_path / "home", sources / "images", Listener())
    scores(tmp_path / "whole", sources / "images", Listener())
    assert content(tmp_path / "home") == content(tmp_path / "whole")
    tally(TABLE, "score", "out of device memory")


def test_a_network_that_no_single_sample_fits_is_one_sentence(
    tmp_path: Path, sources: Path, narrow: Any, tally: Any
) -> None:
    narrow(999, evaluating=0)
    with pytest.raises(OptionError, match="does not hold the network and one image"):
        scores(tmp_path, sources / "images", Listener())
    tally(TABLE, "score", "out of device memory")
