"""Byte ranges copied out of a file: the bytes of any ranges, through buffers of any size, in few calls."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prune.system import byte_ranges, files
from prune.system.byte_ranges import copy_ranges, joined

DATA = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    path = tmp_path_factory.mktemp("ranges") / "data"
    path.write_bytes(DATA)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def copied(fd: int, pairs: list[tuple[int, int]], folder: Path, *, ahead: bool = True) -> bytes:
    starts, stops = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
    with files.new_file(folder) as out:
        copy_ranges(fd, *joined(starts, stops), out, ahead=ahead)
        out.commit("copy")
    data = (folder / "copy").read_bytes()
    assert out.sha256 == hashlib.sha256(data).hexdigest()
    return data


def cut(pairs: list[tuple[int, int]]) -> bytes:
    return b"".join(DATA[low:high] for low, high in pairs)


edges = st.integers(0, len(DATA))
ranges = st.lists(st.tuples(edges, edges).map(sorted).map(tuple), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    pairs=ranges,
    ascending=st.booleans(),
    sizes=st.sampled_from([(1, 1, 1), (64, 16, 2), (700, 300, 512)]),
    ahead=st.booleans(),
)
def test_any_ranges(
    source: int,
    tmp_path_factory: pytest.TempPathFactory,
    pairs: list[tuple[int, int]],
    ascending: bool,
    sizes: tuple[int, int, int],
    ahead: bool,
) -> None:
    pairs = sorted(pairs) if ascending else pairs
    with pytest.MonkeyPatch.context() as patch:
        for name, size in zip(("_BUFFER", "_GAP", "_PIECES"), sizes, strict=True):
            patch.setattr(byte_ranges, name, size)
        patch.setattr(byte_ranges, "_ALONE", sizes[0])
        assert copied(source, pairs, tmp_path_factory.mktemp("copy"), ahead=ahead) == cut(pairs)


def test_the_device_is_told_of_all_that_is_wanted_and_of_no_large_gap(
    source: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda *asked: told.append((asked[1], asked[1] + asked[2])))
    for name, size in {"_BUFFER": 100, "_GAP": 10, "_AHEAD": 200, "_TOLD": 300}.items():
        monkeypatch.setattr(byte_ranges, name, size)
    pairs = [(0, 50), (55, 90), (700, 1700), (200, 260)]
    assert copied(source, pairs, tmp_path) == cut(pairs)
    assert told == [(0, 90), (700, 1000), (1000, 1300), (1300, 1600), (1600, 1700), (200, 260)]


def test_nothing_is_far_ahead_of_what_is_read(
    source: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, real = [], os.preadv
    monkeypatch.setattr(os, "posix_fadvise", lambda *asked: done.append(("told", asked[1] + asked[2])))
    monkeypatch.setattr(
        os, "preadv", lambda fd, places, at: done.append(("read", at)) or real(fd, places, at)
    )
    for name, size in {"_ALONE": 100, "_AHEAD": 200, "_TOLD": 100}.items():
        monkeypatch.setattr(byte_ranges, name, size)
    assert copied(source, [(0, 5000)], tmp_path, ahead=False) == DATA
    told = 0
    for what, at in done:
        told = at if what == "told" else told
        assert what == "told" or at < told <= min(at + 400, 5000)


def test_ranges_end_to_end_are_one() -> None:
    starts, stops = np.array([0, 3, 9, 12, 1]), np.array([3, 7, 12, 15, 2])
    assert [side.tolist() for side in joined(starts, stops)] == [[0, 9, 1], [7, 15, 2]]


def test_hundreds_of_ranges_take_few_calls(
    source: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.preadv, []
    monkeypatch.setattr(os, "preadv", lambda fd, places, at: calls.append(at) or real(fd, places, at))
    pairs = [(at, at + 3) for at in range(0, 5000, 10)]
    assert copied(source, pairs, tmp_path) == cut(pairs)
    assert len(calls) == 2  # 500 ranges and the gaps between them are more places than a call takes


def test_what_a_call_leaves_is_asked_for_again(
    source: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.preadv
    few = [7, 1, 400, 1]

    def preadv(fd: int, places: list[memoryview], at: int) -> int:
        if few:
            places = [places[0][: few.pop()]]
        return real(fd, places, at)

    monkeypatch.setattr(os, "preadv", preadv)
    pairs = [(0, 20), (30, 35), (40, 700)]
    assert copied(source, pairs, tmp_path) == cut(pairs)


@pytest.mark.parametrize("buffer", [64, 1 << 20])
def test_a_file_that_ends_early_is_told_and_nothing_stays(
    source: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffer: int
) -> None:
    monkeypatch.setattr(byte_ranges, "_BUFFER", buffer)
    before = threading.active_count()
    with pytest.raises(EOFError, match=r"the source ends at byte 5000, \d+ bytes early"):
        copied(source, [(0, 100), (4990, 5300)], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == before


def test_without_threads_the_bytes_are_the_same(
    source: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    monkeypatch.setattr(byte_ranges, "_BUFFER", 512)
    monkeypatch.setattr("prune.system.parallel_digest._ASIDE", 256)
    assert copied(source, [(0, 3000), (3100, 5000)], tmp_path) == DATA[:3000] + DATA[3100:]


def test_what_fails_aside_is_told_where_its_result_is_asked_for() -> None:
    from prune.system.side_thread import SideThread

    with contextlib.closing(SideThread()) as aside:
        begun = aside.begin(int, "x", base=10)
        with pytest.raises(ValueError, match="invalid literal"):
            begun.result()
        assert aside.begin(int, "11", base=2).result() == 3
