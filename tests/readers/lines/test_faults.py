"""Files that unpack to far more than texts do: read in bounded memory, or refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.errors import DataError
from prune.readers.lines import containers
from prune.readers.lines.containers import FileContent, HashedContent

from .test_containers import PACK, scanned, write


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_bomb_is_read_in_bounded_memory(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_SMALL", 1 << 30)  # it is not refused
    packed = PACK[suffix](b"0" * (4 << 20))
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(packed * 40 + PACK[suffix](b'\n{"text": "x"}\n'))
    before = pa.total_allocated_bytes()
    with HashedContent(path) as content:
        at = 0
        while data := content.read(at, 1 << 20):
            at += len(data)
            assert pa.total_allocated_bytes() - before < 32 << 20
    dataset = scanned(path)
    assert list(dataset.rejects.values()) == ["the line is over 67,108,864 bytes"]
    with FileContent(path) as content:
        assert content.read((160 << 20) + 1, 13) == b'{"text": "x"}'


def test_what_unpacks_to_more_than_texts_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_SMALL", 1 << 20)
    lines = b"a\n" * (1 << 20)
    bomb = write(tmp_path / "it's.txt", ".zst", lines)
    told = "unpacks to over 1,100 times its size"
    with pytest.raises(DataError, match=told) as refused:
        scanned(bomb)
    assert refused.value.hint.startswith(f"zstd -d '{tmp_path}/it'\"'\"'s.txt.zst'   # ")
    with FileContent(bomb) as content, pytest.raises(DataError, match=told):
        content.read(len(lines) - 2, 2)
    assert len(scanned(write(tmp_path / "less.txt", ".zst", lines[: 1 << 20]))) == 1 << 19
    assert len(scanned(write(tmp_path / "gz.txt", ".gz", lines[: 3 << 19]))) == 3 << 18
