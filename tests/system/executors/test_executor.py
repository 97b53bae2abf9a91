"""Blocks of work give the same answers, in the same order, in this process and in several."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from prune.core.errors import StoreError
from prune.index.neighbours import nearest, nearest_to
from prune.index.space import EmbeddingSpace
from prune.system import locks
from prune.system.executors.executor import BlockLostError, Executor, Processes, ThisProcess

SIGKILLED = "a worker process was killed by signal 9; another one does its work again"


@pytest.fixture(params=[0, 1, 2], ids=["here", "one process", "two processes"])
def executor(request: pytest.FixtureRequest) -> Executor:
    return Processes(request.param, print) if request.param else ThisProcess()


def test_answers_come_in_the_order_of_the_blocks(executor: Executor) -> None:
    blocks = [(7, i) for i in range(12)]
    assert list(executor.each(math.pow, (), blocks)) == [7.0**i for i in range(12)]
    assert list(executor.each(math.pow, (2,), [(i,) for i in range(5)])) == [1, 2, 4, 8, 16]
    assert list(executor.each(math.pow, (), [])) == []


def test_an_error_is_that_of_the_block(executor: Executor, tmp_path: object) -> None:
    answers = executor.each(os.listdir, (), [(str(tmp_path),), ("no such folder",)])
    assert next(answers) == []
    with pytest.raises(FileNotFoundError):
        next(answers)
    assert multiprocessing.active_children() == []


def test_few_blocks_are_begun_ahead(executor: Executor) -> None:
    begun: list[int] = []

    def blocks() -> Iterator[tuple[int, int]]:
        for i in range(100):
            begun.append(i)
            yield 2, i

    answers = executor.each(math.pow, (), blocks())
    assert next(answers) == 1
    assert len(begun) <= 5
    answers.close()  # type: ignore[attr-defined]  # whoever asked has enough
    assert multiprocessing.active_children() == []


def test_tiles_of_neighbours_are_the_same_bytes(executor: Executor) -> None:
    vectors = np.random.default_rng(0).normal(size=(240, 9)).astype(np.float32)
    space = EmbeddingSpace(vectors, memory=2**28)
    tiles = [(space.subset(np.arange(start, start + 80)), space, 6) for start in range(0, 240, 80)]
    found = list(executor.each(nearest_to, (), tiles))
    whole = nearest(space, 5)
    assert np.array_equal(np.concatenate([tile.rows for tile in found])[:, 1:], whole.rows)  # without oneself
    assert np.concatenate([tile.squares for tile in found])[:, 1:].tobytes() == whole.squares.tobytes()


def test_a_block_that_ends_its_process_twice_is_named() -> None:
    said: list[str] = []
    answers = Processes(1, said.append).each(signal.raise_signal, (), [(0,), (signal.SIGKILL,), (0,)])
    assert next(answers) is None
    with pytest.raises(BlockLostError) as caught:
        next(answers)
    assert caught.value.number == 1
    assert said == [SIGKILLED]
    assert multiprocessing.active_children() == []


def test_each_process_has_one_thread_of_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert list(Processes(1, print).each(os.getenv, (), [("OMP_NUM_THREADS",)])) == ["1"]
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_a_script_without_a_guard_does_not_wait_for_who_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    held, wanted = (os.open(tmp_path, os.O_RDONLY) for _ in range(2))
    try:
        locks.take(held, tmp_path, bytes, None)
        with pytest.raises(StoreError, match="is in use"):
            locks.take(wanted, tmp_path, bytes, print)
    finally:
        os.close(held)
        os.close(wanted)
