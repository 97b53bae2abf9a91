"""Keys that stand twice are noticed, in whatever form; and a scan holds nothing but its table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.key_clashes import all_differ
from prune.readers.scan import scan

LINES = 40_000


def column(*chunks: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())


@pytest.mark.parametrize(
    ("chunks", "differ", "look_different"),
    [
        ([], True, True),
        ([["a", "b"], ["A"]], True, True),
        ([["a", "b"], ["b"]], False, False),
        ([["\u00e9"], ["e\u0301"]], True, False),
    ],
)
def test_keys_are_compared_across_chunks(chunks: list[list[str]], differ: bool, look_different: bool) -> None:
    assert all_differ(column(*chunks)) == differ
    assert all_differ(column(*chunks), in_form=True) == look_different


@pytest.mark.parametrize("id", ['"id": "s%d", ', ""], ids=["ids", "no ids"])
def test_a_scan_of_lines_holds_little_beside_its_table(tmp_path: Path, id: str) -> None:
    line = '{"text": "a line of words", ' + id + '"label": "x"}\n'
    data = tmp_path / "a.jsonl"
    data.write_text("".join(line % number if id else line for number in range(LINES)))
    before, pool = pa.default_memory_pool(), pa.system_memory_pool()  # no test but this one uses it
    pa.set_memory_pool(pool)
    try:
        found = scan(open_reader(str(data)), tmp_path / "scans", SILENT, keep=False)
        found.fingerprint  # noqa: B018 - it is computed when it is asked for
    finally:
        pa.set_memory_pool(before)
    rest = (pool.max_memory() - found.samples.nbytes) / LINES
    assert rest < 40, f"{rest} bytes a line, of which a block of rows takes some 20"
