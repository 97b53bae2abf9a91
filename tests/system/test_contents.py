"""What files of a dataset hold is opened in one place, which knows the objects of a store from files."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from prune.system import contents

ROOT = Path(__file__).parent.parent.parent / "prune"
READ_DATA = ("readers", "exporters", "loaders")
OF_THIS_MACHINE = {  # folders of exports in the making
    "exporters/staging/folder.py",
    "exporters/staging/upload.py",
}


def test_no_reader_opens_a_shard_by_itself() -> None:
    found = set()
    for path in (path for part in READ_DATA for path in (ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and ast.unparse(called) in {"os.open", "pa.OSFile"}:
                found.add(str(path.relative_to(ROOT)))
    assert found == OF_THIS_MACHINE


def test_a_file_here_is_read_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"0123456789")
    opened = contents.opened(path)
    assert (opened.size, opened.read(3, 4), opened.read(8, 9), opened.read(20, 1)) == (
        10,
        b"3456",
        b"89",
        b"",
    )
    opened.close()
    fd = contents.descriptor(path)
    assert os.fstat(fd).st_ino == path.stat().st_ino
    os.close(fd)
    assert contents.local(path) is path
    assert contents.file_at(str(path)) == path
    assert contents.whole(path) == b"0123456789"
    with contents.stream(path) as file:
        assert file.read() == b"0123456789"
    assert not contents.is_remote(path)
    with pytest.raises(FileNotFoundError):
        contents.opened(tmp_path / "none")
