"""Rows of a file that shrinks under the reader, or is damaged: one sentence, not a killed process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import DataError
from prune.readers.tables.rows import open_rows, page_size

TABLE = pa.table({"image": [b"abc" * 9] * 9, "label": list(range(9))})


def test_an_arrow_file_that_is_cut_short_while_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "data.arrow"
    with pa.ipc.new_stream(path, TABLE.schema) as out:
        out.write_table(TABLE, max_chunksize=3)
    rows = open_rows(path, "arrow")
    assert pa.concat_tables(table for _, table in rows.batches(TABLE.schema.names)) == TABLE
    size = path.stat().st_size
    assert size < os.sysconf("SC_PAGE_SIZE")  # so that a failure of this test is one, and no SIGBUS
    os.truncate(path, size - 1)
    with pytest.raises(DataError, match=r"data\.arrow was cut short while it was read"):
        rows.around(8, ["label"])
    with pytest.raises(DataError, match="was cut short"):
        list(rows.batches(["image"]))


FLIPPED = """
import sys
from pathlib import Path
from prune.core.errors import DataError
from prune.readers.tables.rows import ParquetRows

path = Path(sys.argv[1])
data, footer, said = path.read_bytes(), int(sys.argv[2]), set()
for place in range(footer, len(data) - 8):
    for bit in (0, 3, 6):
        changed = bytearray(data)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        try:
            ParquetRows(path).may_be_null("image.bytes")
        except DataError as error:
            said.add(str(error).partition(": ")[2])
print(sorted(line for line in said if " in another" in line))
"""


def test_a_footer_with_any_byte_damaged_does_not_end_the_process(tmp_path: Path) -> None:
    sink, images = io.BytesIO(), [{"bytes": b"abc%d" % i, "path": f"{i}.png"} for i in range(6)]
    pq.write_table(pa.table({"image": images}), sink)
    data, path = sink.getvalue(), tmp_path / "x.parquet"
    path.write_bytes(data)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    command = [sys.executable, "-c", FLIPPED, str(path), str(footer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "image.bytes is BYTE_ARRAY in one place and" in done.stdout


def test_small_rows_are_read_by_thousands(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [f"text {i % 1000}" for i in range(10_000)]}), tmp_path / "a.parquet")
    rows = open_rows(tmp_path / "a.parquet", "parquet")
    assert [len(table) for _, table in rows.batches(["text"])] == [4096, 4096, 1808]
    assert rows.around(5000, ["text"])[0] == 4096


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_a_large_value_that_many_rows_have_is_not_unpacked_for_thousands_at_once(
    codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prune.readers.tables.rows._BYTES", 1 << 20)
    monkeypatch.setattr("prune.readers.tables.rows._REPEATED", 4 << 20)
    table = pa.table({"text": ["x" * (1 << 20)] * 100, "n": list(range(100))})
    pq.write_table(table, tmp_path / "a.parquet", compression=codec, dictionary_pagesize_limit=64 << 20)
    rows = open_rows(tmp_path / "a.parquet", "parquet")
    assert max(len(part) for _, part in rows.batches(["text", "n"])) == 3
    assert max(len(part) for _, part in rows.batches(["n"])) == 100


def test_the_header_of_a_page_tells_its_size() -> None:
    assert page_size(bytes([0x15, 4, 0x15, 0x80, 0x80, 0x80, 1, 0x15])) == 1 << 20
    assert page_size(bytes([0x15, 4, 0x19, 0])) is None
    assert page_size(b"") is None
