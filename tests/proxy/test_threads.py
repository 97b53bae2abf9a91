"""A training that goes on keeps the number of threads that it began with: the order of sums depends on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from prune.arrays import Array
from prune.progress import Advance
from prune.proxy import Training, grad_norms, run_proxy
from prune.proxy.run import train_until
from prune.store import Store

TRAINING = Training.of("resnet8", epochs=2, size=8, batch=64, seed=5)
N = 128


@pytest.fixture(autouse=True)
def threads() -> Iterator[Callable[[int], None]]:
    """Set the number of torch's threads; it is restored after the test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def few(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> Callable[..., Any]:
    return lambda name: made(digits[0][:N], digits[1][:N], name=name)


def parts(store: Store, name: str = "trace.0") -> list[bytes]:
    return [path.read_bytes() for path in sorted((store.path / "columns" / name).rglob("part-*"))]


class _Stopped(BaseException):
    """The process ends here."""


class _After:
    """A reporter that ends the process after so many samples, and sees how many threads there are."""

    def __init__(self, samples: float) -> None:
        self.left, self.seen = samples, set[int]()

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        def advance(done: int) -> None:
            if what != "taking features":  # a pass forward
                self.seen.add(torch.get_num_threads())
            self.left -= done
            if self.left < 0:
                raise _Stopped

        yield advance

    def say(self, message: str) -> None:
        raise AssertionError(message)


def test_a_training_goes_on_by_as_many_threads_as_it_began_with(
    few: Callable[..., Any], threads: Callable[[int], None]
) -> None:
    whole, other, broken = few("whole"), few("other"), few("broken")
    threads(2)
    run_proxy(*whole, TRAINING)
    with pytest.raises(_Stopped):
        run_proxy(*broken, TRAINING, reporter=_After(2 * N + 10))  # in the second epoch
    threads(1)
    run_proxy(*other, TRAINING)
    run_proxy(*broken, TRAINING)
    assert torch.get_num_threads() == 1
    assert parts(broken[0]) == parts(whole[0])
    assert parts(other[0])[1:] != parts(whole[0])[1:], "the number of threads makes no difference here"


def test_gradient_norms_too(few: Callable[..., Any], threads: Callable[[int], None]) -> None:
    made = few("made")
    run_proxy(*made, TRAINING)
    threads(2)
    with pytest.raises(_Stopped):
        grad_norms(*made, TRAINING, reporter=_After(10))
    threads(1)
    later = _After(float("inf"))
    grad_norms(*made, TRAINING, reporter=later)
    assert later.seen == {2}


def test_epochs_that_are_taken_over_bring_their_threads(
    few: Callable[..., Any], threads: Callable[[int], None]
) -> None:
    made = few("made")
    threads(2)
    shorter = train_until(*made, TRAINING, lambda _: True)
    next((made[0].path / "columns/trace.0").rglob("part-00000-*")).unlink()  # to be trained again
    threads(1)
    later = _After(float("inf"))
    run_proxy(*made, shorter, reporter=later)
    assert later.seen == {2}


@pytest.mark.parametrize("said", [b"0", b"many", b"99999999999"])
def test_a_number_that_makes_no_sense_counts_for_nothing(
    few: Callable[..., Any], threads: Callable[[int], None], said: bytes
) -> None:
    store, dataset, images = few("made")
    training = Training.of("mlp", epochs=2, size=8, batch=64, seed=5)
    published = run_proxy(store, dataset, images, training)
    writer = store.write_column("trace.0", store.open_column("trace.0", published["trace.0"]).recipe, rows=2)
    writer.attach("threads", 0, said, "json")
    next(writer.folder.glob("part-00001-*")).unlink()
    threads(2)
    later = _After(float("inf"))
    run_proxy(store, dataset, images, training, reporter=later)
    assert later.seen == {2}
    assert writer.attachment("threads", 0) is None
