"""What passes is tried again, after pauses that grow, up to a bound; what does not pass is said at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from prune.core.errors import DataError
from prune.system.object_stores.retries import ChangedObjectError, CutShortError, Retries, passes


def failing(*errors: BaseException) -> Callable[[], str]:
    left = list(errors)

    def request() -> str:
        if left:
            raise left.pop(0)
        return "here"

    return request


def response_error(status: int) -> OSError:
    cause: Any = Exception("an error of the library")
    cause.response = {"ResponseMetadata": {"HTTPStatusCode": status}}
    error = OSError(22, "as translated")
    error.__cause__ = cause
    return error


def test_pauses_double_up_to_a_bound_and_are_drawn() -> None:
    slept: list[float] = []
    policy = Retries(tries=7, first=1.0, most=8.0, sleep=slept.append, draw=random.Random(3))
    assert policy.run(failing(*[ConnectionResetError()] * 6), "s3://b/x") == "here"
    bounds = [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert all(bound / 2 <= pause <= bound for pause, bound in zip(slept, bounds, strict=True))
    again: list[float] = []
    policy = Retries(tries=7, first=1.0, most=8.0, sleep=again.append, draw=random.Random(3))
    policy.run(failing(*[TimeoutError()] * 6), "s3://b/x")
    assert again == slept  # the same seed, the same pauses
    assert len(set(slept[3:])) == 3


def test_what_does_not_pass_in_time_is_said_with_the_number_of_tries() -> None:
    policy = Retries(tries=3, sleep=lambda _: None)
    with pytest.raises(DataError, match="s3://b/x cannot be read: 5 bytes came of 9, 3 times") as caught:
        policy.run(failing(*[CutShortError("5 bytes came of 9")] * 3), "s3://b/x")
    assert "run the same command again" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (CutShortError("x"), True),
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientPayloadError(), True),
        (response_error(500), True),
        (response_error(503), True),
        (response_error(429), True),
        (response_error(400), False),
        (response_error(403), False),
        (response_error(412), False),
        (PermissionError(), False),
        (FileNotFoundError(), False),
        (ChangedObjectError(), False),
        (OSError(28, "no space left"), False),
    ],
)
def test_which_errors_pass(error: Exception, again: bool) -> None:
    assert passes(error) == again


def test_credentials_are_asked_for_and_nothing_is_tried_twice() -> None:
    slept: list[float] = []
    with pytest.raises(DataError, match="may not be read") as caught:
        Retries(sleep=slept.append).run(failing(PermissionError("Forbidden")), "s3://b/x")
    assert "AWS_PROFILE" in caught.value.hint
    assert slept == []
