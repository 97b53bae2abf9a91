from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from prune import files
from prune.errors import OutputError


def test_a_file_has_no_name_until_it_is_committed(tmp_path: Path) -> None:
    with files.new_file(tmp_path) as out:
        out.write(b"half")
        assert [p.name for p in tmp_path.iterdir()] != ["whole"]
        out.write(b" and half")
        out.commit("whole")
    assert (tmp_path / "whole").read_bytes() == b"half and half"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), files.new_file(tmp_path) as out:
        out.write(b"something")
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_write_returns_the_digest_and_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.bin"
    files.write(path, b"old")
    assert files.write(path, b"new") == hashlib.sha256(b"new").hexdigest() == files.sha256(path)
    assert path.read_bytes() == b"new"


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(files.Disk):
        def write(self, fd: int, data: memoryview) -> int:
            return super().write(fd, data[:3])

    monkeypatch.setattr(files, "disk", Slow())
    files.write(tmp_path / "x", b"abcdefghij")
    assert (tmp_path / "x").read_bytes() == b"abcdefghij"


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "read-only")])
def test_a_disk_that_refuses_is_an_output_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    class Broken(files.Disk):
        def write(self, fd: int, data: memoryview) -> int:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "disk", Broken())
    with pytest.raises(OutputError, match=words) as caught:
        files.write(tmp_path / "x", b"abc")
    assert caught.value.exit_code == 6
    assert list(tmp_path.iterdir()) == []


def test_copy_takes_a_byte_range_and_notices_an_early_end(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(200)))
    fd = os.open(source, os.O_RDONLY)
    with files.new_file(tmp_path) as out:
        out.copy(fd, 10, 20)
        out.commit("range")
    assert (tmp_path / "range").read_bytes() == bytes(range(10, 30))
    with pytest.raises(EOFError, match="5 bytes early"), files.new_file(tmp_path) as out:
        out.copy(fd, 195, 10)
    os.close(fd)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"keep")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "x").symlink_to(target)
    files.write(tmp_path / "store" / "x", b"new")
    assert target.read_bytes() == b"keep"
    assert not (tmp_path / "store" / "x").is_symlink()


def test_equal_values_are_equal_json() -> None:
    assert files.json_bytes({"b": 1, "a": "é"}) == files.json_bytes(json.loads('{"a": "é", "b": 1}'))


def test_sweep_removes_only_our_leftovers(tmp_path: Path) -> None:
    (tmp_path / ".prune-0123.tmp").write_bytes(b"")
    (tmp_path / "keep.tmp").write_bytes(b"")
    files.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["keep.tmp"]
