"""The members of a sample, read out of its bytes: cut short, damaged, or with names that need a record."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from prune.core.errors import DataError
from prune.exporters.members import Held, key_and_names
from prune.exporters.renamed_members import other_key, renamed
from prune.readers.tar.members import members

SHARD = Path("x.tar")
LONG = "é" * 120


def tar_of(*names: str, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return the members of a tar without its end: 700 bytes each, so that none fills its last block."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as out:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = 700
            out.addfile(info, io.BytesIO(bytes([number + 1]) * 700))
        end = out.offset
    return sink.getvalue()[:end]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_are_those_that_tarfile_reads(form: int) -> None:
    names = ["a/001.png", "a/001.cls"] if form == tarfile.USTAR_FORMAT else [f"{LONG}.png", f"{LONG}.cls"]
    data = tar_of(*names, form=form)
    assert [member.name for member in members(Held(data, SHARD))] == names
    assert key_and_names(data, SHARD) == (names[0].removesuffix(".png"), ["png", "cls"])


@pytest.mark.parametrize(
    ("size", "found"), [(0, []), (511, []), (512, ["png"]), (2047, ["png"]), (2048, ["png", "cls"])]
)
def test_a_header_counts_though_the_bytes_end_behind_it(size: int, found: list[str]) -> None:
    assert key_and_names(tar_of("1.png", "1.cls")[:size], SHARD) == ("1" if found else "", found)


def test_a_key_that_is_the_same_or_not_there_is_no_other() -> None:
    data = tar_of("1.png")
    assert other_key(data, "1", SHARD) is None
    assert other_key(data, "x/1", SHARD) == "1"
    assert other_key(bytes(512), "x/1", SHARD) is None


def test_members_are_renamed_with_their_bytes() -> None:
    data = tar_of("1.png", "1.cls", "1.txt")
    made = renamed(
        data, "1", "x/1", lambda name, held: f"{name}={held[0]}x{len(held)} ".encode(), SHARD, {"cls"}
    )
    assert made == b"x/1.png=1x700 x/1.txt=3x700 "


@pytest.mark.parametrize("at", [0, 100, 124, 148, 1536])
def test_a_changed_header_is_told(at: int) -> None:
    data = bytearray(tar_of("1.png", "1.cls"))
    data[at] ^= 1
    with pytest.raises(DataError, match=r"^x\.tar has changed since it was scanned"):
        renamed(bytes(data), "1", "2", lambda _name, held: held, SHARD)


@pytest.mark.parametrize("size", [1024, 1535, 2048, 3071])
def test_bytes_that_are_missing_are_told(size: int) -> None:
    data = tar_of("1.png", "1.cls")
    with pytest.raises(DataError, match="has changed since it was scanned"):
        list(members(Held(data[:size], SHARD)))
