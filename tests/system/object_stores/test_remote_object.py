"""An object read by ranges: the bytes of the file, asked for once, never those of an older or newer one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.core.errors import DataError
from prune.system import contents
from prune.system.object_stores import block_cache
from prune.system.object_stores.listing import mirrored, seen_again

DATA = np.random.default_rng(0).bytes(100_000)  # 25 blocks of the tests


@pytest.fixture
def path(bucket: str, outside: Any, faults: Any) -> Path:
    outside.pipe_file(f"{bucket}/a/x.bin", DATA)
    found = mirrored(f"{bucket}/a/x.bin")
    faults.asked.clear()
    return found


def kept_bytes(home: Path) -> int:
    return sum(
        file.stat().st_size for file in (home / "prune-objects" / "blocks").rglob("*") if file.is_file()
    )


def test_any_range_is_that_of_the_file(path: Path) -> None:
    content = contents.opened(path)
    draw = np.random.default_rng(1)
    assert content.size == len(DATA)
    for start, size in zip(draw.integers(0, 110_000, 40), draw.integers(0, 20_000, 40), strict=True):
        assert content.read(int(start), int(size)) == DATA[start : start + size]
    content.close()


def test_what_was_read_is_not_asked_for_again_by_another_reader(path: Path, faults: Any) -> None:
    assert contents.whole(path) == DATA
    asked = faults.count("GET", "bytes=")
    assert 1 <= asked <= 3  # several blocks a request
    assert contents.whole(path) == DATA
    assert contents.sha256(path) == hashlib.sha256(DATA).hexdigest()
    assert faults.count("GET", "bytes=") == asked


def test_reading_onward_asks_for_more_at_once_and_a_single_place_for_one_block(
    path: Path, faults: Any
) -> None:
    content = contents.opened(path)
    content.read(50_000, 10)
    assert faults.asked[-1].endswith("bytes=49152-53247")
    for start in range(0, len(DATA), 1000):
        content.read(start, 1000)
    assert faults.count("GET", "bytes=") < 12  # of 25 blocks


def test_a_library_reads_it_as_a_file(path: Path) -> None:
    with contents.stream(path) as file:
        assert file.seek(-10, 2) == len(DATA) - 10
        assert file.read() == DATA[-10:]
        file.seek(7)
        assert file.read(9) == DATA[7:16]
        assert file.tell() == 16


def test_a_descriptor_and_a_copy_hold_all_of_it(path: Path, tmp_path: Path) -> None:
    import os

    fd = contents.descriptor(path)
    assert os.pread(fd, 2 * len(DATA), 0) == DATA
    os.close(fd)
    assert contents.local(path).read_bytes() == DATA
    assert contents.local(path).name == "x.bin"
    plain = tmp_path / "plain"
    plain.write_bytes(b"here")
    assert contents.local(plain) == plain
    assert contents.whole(plain) == b"here"


@pytest.mark.parametrize("kind", ["drop", "short", "busy", "refuse"])
def test_faults_on_the_way_change_nothing(path: Path, faults: Any, kind: str) -> None:
    faults.on("GET bytes=", kind, kind, kind)
    assert contents.whole(path) == DATA
    assert faults.waiting == []


def test_a_server_that_stays_busy_is_given_up(path: Path, faults: Any) -> None:
    faults.on("GET bytes=", *["busy"] * 20)
    with pytest.raises(DataError, match=r"s3://bucket-\d+/a/x.bin cannot be read: .*, 8 times"):
        contents.whole(path)


def test_an_object_that_changed_is_not_mixed_with_what_was_read_before(
    path: Path, bucket: str, outside: Any
) -> None:
    content = contents.opened(path)
    content.read(0, 10)
    outside.pipe_file(f"{bucket}/a/x.bin", DATA[::-1])
    with pytest.raises(DataError, match="changed while it was read"):
        content.read(90_000, 10)
    assert content.read(0, 10) == DATA[:10]  # of the one that was listed
    seen_again(path)
    assert contents.whole(path) == DATA[::-1]


def test_an_object_that_is_gone_is_said_to_be(path: Path, bucket: str, outside: Any) -> None:
    content = contents.opened(path)
    outside.rm_file(f"{bucket}/a/x.bin")
    with pytest.raises(DataError, match="is gone"):
        content.read(0, 10)
    with pytest.raises(FileNotFoundError):
        seen_again(path)
    assert not path.exists()


def test_a_block_that_the_disk_damaged_is_fetched_again(path: Path, tmp_path: Path) -> None:
    contents.whole(path)
    for block in (tmp_path / "cache" / "prune-objects" / "blocks").rglob("*"):
        if block.is_file():
            data = bytearray(block.read_bytes())
            data[len(data) // 2] ^= 1
            block.write_bytes(data)
    assert contents.whole(path) == DATA


def test_the_cache_stays_below_its_bound(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNE_CACHE_SIZE", "40k")
    assert contents.whole(path) == DATA
    assert 0 < kept_bytes(tmp_path / "cache") <= 40 << 10
    assert contents.whole(path) == DATA
    monkeypatch.setenv("PRUNE_CACHE_SIZE", "0")
    assert contents.whole(path) == DATA


def test_what_was_read_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from prune.system.object_stores.mirror import ObjectFacts

    monkeypatch.setenv("PRUNE_CACHE_SIZE", "3500")
    cache, facts = block_cache.BlockCache(tmp_path), ObjectFacts(9, "9 tag")
    for number in range(3):
        cache.put("s3://b/x", facts, number, bytes(1000))
        file = next(path for path in tmp_path.rglob(str(number)) if path.is_file())
        os.utime(file, (number, number))
    assert cache.get("s3://b/x", facts, 0) is not None  # so that 1 is the oldest
    cache.put("s3://b/x", facts, 3, bytes(1000))
    assert [cache.get("s3://b/x", facts, number) is not None for number in range(4)] == [
        True,
        False,
        True,
        True,
    ]
    assert cache.get("s3://b/x", ObjectFacts(9, "9 another"), 0) is None


def test_the_bound_holds_for_several_that_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prune.system.object_stores.mirror import ObjectFacts

    monkeypatch.setenv("PRUNE_CACHE_SIZE", "32000")
    writers = [block_cache.BlockCache(tmp_path / "prune-objects") for _ in range(3)]
    facts = ObjectFacts(9, "9 tag")
    for number in range(90):
        writers[number % 3].put("s3://b/x", facts, number, bytes(996))
    assert 0 < kept_bytes(tmp_path) <= 32000 + 3 * 2000
