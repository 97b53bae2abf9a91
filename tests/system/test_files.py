from __future__ import annotations

import ast
import errno
import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.errors import OutputError
from prune.system import files


def test_a_file_has_no_name_until_it_is_committed(tmp_path: Path) -> None:
    with files.new_file(tmp_path) as out:
        out.write(b"half")
        assert [p.name for p in tmp_path.iterdir()] != ["whole"]
        out.write(b" and half")
        out.commit("whole")
    assert (tmp_path / "whole").read_bytes() == b"half and half"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_device_gets_to_know_early_what_a_large_file_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []

    class Watched(files.Disk):
        def begin_sync(self, fd: int, offset: int, size: int) -> None:
            told.append((offset, size))
            super().begin_sync(fd, offset, size)

    monkeypatch.setattr(files, "disk", Watched())
    monkeypatch.setattr(files, "_BEHIND", 10)
    with files.new_file(tmp_path) as out:
        for piece in (b"12345678", b"90", b"123456789012", b"3"):
            out.write(piece)
        out.commit("whole")
    assert told == [(0, 10), (10, 12)]
    assert (tmp_path / "whole").read_bytes() == b"12345678901234567890123"


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


def test_the_digest_of_large_and_small_pieces_is_that_of_the_whole(tmp_path: Path) -> None:
    pieces = [bytes([number]) * size for number, size in enumerate((3, 1 << 20, 5, 3 << 20, 1 << 20, 0, 7))]
    with files.new_file(tmp_path) as out:
        for piece in pieces:
            out.write(piece)
        assert out.sha256 == hashlib.sha256(b"".join(pieces)).hexdigest()
        out.commit("whole")
    assert files.sha256(tmp_path / "whole") == out.sha256


def test_a_large_piece_that_is_refused_leaves_no_file_and_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(files.Disk):
        def write(self, fd: int, data: memoryview) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "disk", Full())
    before = threading.enumerate()
    with pytest.raises(OutputError, match="no space left"):
        files.write(tmp_path / "x", bytes(2 << 20))
    assert set(threading.enumerate()) <= set(before)
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_a_file_system_that_takes_no_new_files_is_an_output_error() -> None:
    for path in (Path("/proc/page.html"), Path("/proc/nowhere/deeper/page.html")):
        with pytest.raises(OutputError, match=r"cannot write to /proc: ") as refused:
            files.write(path, b"x")
        assert "--out" in refused.value.hint


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


def test_a_folder_that_was_made_outlasts_a_power_cut(tmp_path: Path, faulty: Callable[..., Any]) -> None:
    disk = faulty("power", 1000)
    files.write(tmp_path / "a" / "b" / "c.bin", b"whole")
    disk.unflushed.lose("lost")
    assert (tmp_path / "a" / "b" / "c.bin").read_bytes() == b"whole"


@pytest.mark.parametrize("cut", ["lost", "kept"])
def test_what_was_not_flushed_may_be_lost(tmp_path: Path, faulty: Callable[..., Any], cut: str) -> None:
    disk = faulty("power", 1000)
    files.write_unsynced(tmp_path / "x", b"abc")
    disk.unflushed.lose(cut)
    assert [p.read_bytes() for p in tmp_path.glob("x")] == {"lost": [], "kept": [b""]}[cut]
    files.write_unsynced(tmp_path / "y", b"abc")
    files.sync_file_system(tmp_path)
    disk.unflushed.lose("lost")
    assert (tmp_path / "y").read_bytes() == b"abc"


def test_a_file_system_that_flushes_no_folders_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def only_files(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(fd)

    monkeypatch.setattr(os, "fsync", only_files)
    files.write(tmp_path / "new" / "x", b"abc")
    assert (tmp_path / "new" / "x").read_bytes() == b"abc"


ALLOWED = {
    "store/write_lock.py": {"os.open", "os.ftruncate", "os.pwrite"},  # the lock, whose content means nothing
    "__main__.py": {"os.open"},  # /dev/null, where a standard stream is closed
    "encoders/weights.py": {"path.parent.mkdir"},  # torch downloads to its own cache
    "steps/hub.py": {"tempfile.TemporaryDirectory"},  # the hub's library downloads into folders only
    "steps/plan/planning.py": {"tempfile.TemporaryDirectory"},  # gone before the plan is said
    "system/rows_on_disk.py": {
        "tempfile.TemporaryFile",
        "os.pwrite",
    },  # without a name: gone with the process
    "system/scratch.py": {"tempfile.TemporaryDirectory"},  # gone with the command
    "loaders/trainer.py": {"torch.save"},  # beside what the Trainer saves, in its folder of a checkpoint
}
CACHE = {  # of objects, or an excerpt to plan by: made again where it is lost, so nothing need be flushed
    "steps/plan/excerpt.py",
    "system/contents.py",
    "system/object_stores/block_cache.py",
    "system/object_stores/listing.py",
    "system/object_stores/mirror.py",
}
OF_PATHS = "chmod hardlink_to lchmod mkdir rename rmdir symlink_to touch unlink write_bytes write_text"
OF_LIBRARIES = "NamedTemporaryFile OSFile TemporaryDirectory TemporaryFile memmap mkdtemp mkstemp open_memmap"
OF_OS = "ftruncate link makedirs pwrite remove removedirs rename renames replace symlink truncate writev"
OF_SHUTIL = "disk_usage get_terminal_size which"  # these only look
INTO = {"np.save": 0, "np.savez": 0, "np.lib.format.write_array": 0, "torch.save": 1, "pq.write_table": 1}


def _writes(node: ast.Call) -> bool:
    """Whether a call changes the disk, as far as its words tell."""
    name, words = ast.unparse(node.func), ast.unparse(node)
    home, _, last = name.rpartition(".")
    if home in {"files.disk", "self.disk"}:
        return False
    if name == "os.open":
        return any(flag in words for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))
    if last == "open":
        texts = [
            a.value for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)
        ]
        return any(isinstance(t, str) and len(t) < 4 and set(t) & set("wax+") for t in texts)
    if name in INTO:
        return not ast.unparse(node.args[INTO[name]]).startswith(("sink", "packed", "out", "Sink("))
    of_os = home in {"os", "shutil"} and (home == "shutil" or last in OF_OS.split())
    return (
        of_os and last not in OF_SHUTIL.split()
    ) or last in f"{OF_PATHS} {OF_LIBRARIES} save_file tofile".split()


def test_no_other_module_changes_a_disk() -> None:
    root = Path(prune.__file__).parent
    found: dict[str, set[str]] = {}
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _writes(node):
                found.setdefault(str(path.relative_to(root)), set()).add(ast.unparse(node.func))
    del found["system/files.py"]
    assert {name: of for name, of in found.items() if name not in CACHE} == ALLOWED
    assert found.keys() >= CACHE
