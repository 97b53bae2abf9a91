from __future__ import annotations

from pathlib import Path

import pytest

from prune.modalities.text import lines
from prune.modalities.text.lines import lines_of
from prune.readers.hashing_file import HashingFile


def all_of(path: Path, data: bytes) -> list[tuple[int, int, bytes | None]]:
    path.write_bytes(data)
    with HashingFile(path) as source:
        return list(lines_of(source))


def test_lines_lie_where_they_say(tmp_path: Path) -> None:
    data = b"one\r\n\nthree\nlast"
    found = all_of(tmp_path / "x", data)
    assert [line for _, _, line in found] == [b"one", b"", b"three", b"last"]
    assert [data[start : start + size] for start, size, _ in found] == [b"one\r", b"", b"three", b"last"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    assert all_of(tmp_path / "x", b"\xef\xbb\xbf{}\n\xef\xbb\xbf") == [(3, 2, b"{}"), (6, 3, b"\xef\xbb\xbf")]


@pytest.mark.parametrize("data", [b"", b"\n", b"a\n", b"a\n\n", b"\n\na"])
@pytest.mark.parametrize("size", [1, 2, 1 << 20])
def test_any_window_gives_the_lines_that_python_gives(
    data: bytes, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_READ", size)
    wanted = [line.removesuffix(b"\n") for line in data.splitlines(keepends=True)]
    assert [line for _, _, line in all_of(tmp_path / "x", data)] == wanted


def test_a_line_that_is_too_long_is_named_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_READ", 4)
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 10)
    data = b"0123456789\n0123456789a\nnext"
    assert all_of(tmp_path / "x", data) == [(0, 10, b"0123456789"), (11, 11, None), (23, 4, b"next")]
