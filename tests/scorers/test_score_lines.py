from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.scorers import imported_scores
from prune.scorers.score_lines import read_score_lines
from prune.scorers.tables import read_tables


def put(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_attributes_of_dolma_find_their_documents(tmp_path: Path) -> None:
    documents = put(
        tmp_path / "documents" / "a.jsonl.gz", *({"id": f"d{n}", "text": f"t{n}"} for n in range(3))
    )
    spans = [[[0, 10, 0.5]], [[0, 30, 1.0], [30, 40, 0.0]], []]
    lines = [{"id": f"d{n}", "attributes": {"gopher__words": spans[n]}, "source": "s"} for n in (2, 0, 1)]
    put(tmp_path / "attributes" / "a.jsonl.gz", *lines)
    dataset = scan(open_reader(str(documents)), tmp_path / "scans", SILENT)
    for name in ("attributes", "attributes/a.jsonl.gz"):
        found = imported_scores(tmp_path / name, dataset)
        assert {score: values.tolist() for score, values in found.items()} == {
            "gopher__words": [0.5, 0.75, 0.0]
        }


def test_plain_numbers_are_columns_and_what_is_missing_is_none(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", {"id": 1, "x": 2}, b"", {"id": 2, "y": True, "note": "n"})
    table = read_score_lines(path)
    assert table.to_pydict() == {"id": ["1", "2"], "x": [2.0, None], "y": [None, 1.0]}
    assert read_tables(path).equals(table)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "line 2 of .*: it is not JSON"),
        (b"[1]", "a JSON list"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"id": 1, "attributes": {"a": [[0, 1]]}}', "'a' holds no spans"),
        (b'{"id": 1, "attributes": {"a": "x"}}', "'a' holds no spans"),
    ],
)
def test_a_line_without_numbers_is_named(line: bytes, message: str, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", {"id": 0, "a": 1}, line)
    with pytest.raises(DataError, match=message):
        read_tables(path)
