"""Trainings of proxies that are killed, or whose disk fails, go on to the same bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from prune.proxy import Training

from .test_run import Killed, Killer, N, columns_of, few, run_all

__all__ = ["few"]  # a fixture


@pytest.mark.parametrize("proxy", ["resnet8", "mlp"])
def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(few: Callable[..., Any], proxy: str) -> None:
    training = Training.of(proxy, epochs=3, size=16, batch=32, seed=5)
    whole = few("whole")
    run_all(whole, training)
    broken = few("broken")
    for after in (40, N + 40, 2 * N - 1, 4 * N, 2 * N, 10, N):  # each within, or between, epochs
        with contextlib.suppress(Killed):
            run_all(broken, training, reporter=Killer(after))
    run_all(broken, training)
    assert columns_of(broken[0]) == columns_of(whole[0])


def test_a_disk_that_fails_at_any_change_ends_in_the_same_bytes(
    few: Callable[..., Any], faulty: Callable[..., Any]
) -> None:
    training = Training.of("mlp", epochs=3, size=16, batch=32, seed=5)
    whole = few("whole")
    counting = faulty()
    with whole[0].writing():
        run_all(whole, training)
    expected = columns_of(whole[0])
    for at in range(1, len(counting.calls) + 1, 7):
        faulty()
        broken = few(f"broken{at}")
        faulty(("kill", "torn")[at % 2], at)
        with contextlib.suppress(BaseException), broken[0].writing():
            run_all(broken, training)
        faulty()
        with broken[0].writing():
            run_all(broken, training)
        assert columns_of(broken[0]) == expected, at
