"""One of several writers gets to write; whoever hears nothing of it looks who it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from prune.core.errors import OutputError
from prune.system.object_stores import claims, uploads
from prune.system.object_stores.mirror import ObjectFacts


@pytest.fixture
def address(bucket: str) -> str:
    return f"{bucket}/plan"


def at_once(address: str, known: ObjectFacts | None) -> Iterator[ObjectFacts]:
    """Claim in six threads; yield what those have that got it."""
    ready = threading.Barrier(6)

    def one(number: int) -> ObjectFacts | None:
        ready.wait(30)
        return claims.claim(b"claim %d" % number, address, known)

    with ThreadPoolExecutor(6) as pool:
        yield from (found for found in pool.map(one, range(6)) if found is not None)


def test_one_of_those_who_begin_at_once_gets_it(address: str) -> None:
    (mine,) = at_once(address, None)
    assert uploads.look(address) == mine
    (new,) = at_once(address, mine)
    assert uploads.look(address) == new != mine
    assert claims.claim(b"late", address, None) is None
    assert claims.claim(b"late", address, mine) is None
    assert uploads.look(address) == new


@pytest.mark.parametrize("known", [False, True])
def test_an_answer_that_was_lost_is_looked_up(address: str, faults: Any, known: bool) -> None:
    before = claims.claim(b"before", address, None) if known else None
    faults.on("PUT", "lost", "busy")
    mine = claims.claim(b"mine", address, before)
    assert mine is not None
    assert uploads.look(address) == mine
    faults.on("DELETE", "lost")
    assert claims.release(address, mine)
    assert uploads.look(address) is None
    assert faults.waiting == []


def test_what_another_has_claimed_is_not_released(address: str) -> None:
    mine = claims.claim(b"mine", address, None)
    assert mine is not None
    other = claims.claim(b"other", address, mine)
    assert not claims.release(address, mine)
    assert uploads.look(address) == other


def test_in_the_place_of_what_is_gone_nothing_is_written(address: str) -> None:
    mine = claims.claim(b"mine", address, None)
    assert mine is not None
    assert claims.release(address, mine)
    assert claims.claim(b"again", address, mine) is None
    assert uploads.look(address) is None


def test_a_server_without_conditions_takes_it_as_it_comes(address: str, faults: Any) -> None:
    faults.on("PUT", "unknown")
    mine = claims.claim(b"mine", address, None)
    assert mine is not None
    faults.on("DELETE", "unknown")
    assert claims.release(address, mine)
    assert uploads.look(address) is None


def test_a_bucket_that_is_not_there_is_told(faults: Any) -> None:
    with pytest.raises(OutputError, match="there is no place"):
        claims.claim(b"mine", "s3://no-such-bucket-here/plan", None)


class Google:
    """What gcsfs is asked, with one object: its number grows with each version."""

    _location = "https://host"

    def __init__(self) -> None:
        self.number, self.data = 0, b""

    def split_path(self, address: str) -> tuple[str, str, None]:
        bucket, _, key = address.removeprefix("gs://").partition("/")
        return bucket, key, None

    def invalidate_cache(self) -> None:
        """Nothing is kept."""

    def info(self, _: str) -> dict[str, Any]:
        if not self.number:
            raise FileNotFoundError
        return {"type": "file", "size": len(self.data), "etag": f"e{self.number}", "generation": self.number}

    def cat_file(self, _: str, start: int, end: int) -> bytes:
        return self.data[start:end]

    def call(self, method: str, place: str, *at: str, data: bytes = b"", **asked: Any) -> None:
        if asked["ifGenerationMatch"] != str(self.number):
            raise FileExistsError(place)  # as gcsfs puts 412
        if method == "POST":
            assert (place, asked["name"]) == ("https://host/upload/storage/v1/b/b/o", "a/plan")
            assert asked["uploadType"] == "media"
            self.number, self.data = self.number + 1, data
        else:
            assert (method, place, at) == ("DELETE", "b/{}/o/{}", ("b", "a/plan"))
            self.number = 0


def test_google_counts_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    from prune.system.object_stores import requests

    there = Google()
    for module in (claims, uploads, requests):
        monkeypatch.setattr(module, "file_system", lambda _: there)
    mine = claims.claim(b"mine", "gs://b/a/plan", None)
    assert mine is not None
    assert claims.claim(b"other", "gs://b/a/plan", None) is None
    other = claims.claim(b"other", "gs://b/a/plan", mine)
    assert other is not None
    assert claims.claim(b"third", "gs://b/a/plan", mine) is None
    assert not claims.release("gs://b/a/plan", mine)
    assert claims.release("gs://b/a/plan", other)
    assert there.number == 0
