"""A target of texts is read by the fields that the pool was read by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

WORDS = {"sea": "waves and salt and sails", "hill": "stones and goats and paths"}


def write(path: Path, *topics: str) -> None:
    said = [f"{WORDS[topic]} number {row} of many on this long page" for row, topic in enumerate(topics)]
    pq.write_table(pa.table({"title": ["the same"] * len(said), "body": said, "kind": list(topics)}), path)


@pytest.mark.parametrize("words", [["--text-field", "body"], ["--template", "{title}: {body}"]])
def test_the_target_is_read_as_the_pool_was(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("pool.parquet"), *["sea", "hill"] * 20)
    write(Path("wanted.parquet"), *["sea"] * 10)
    assert prune("score", "pool.parquet", *words, "--no-labels", "--type", "length").code == 0
    done = prune(
        "select", "--method", "dsir", "--target", "wanted.parquet", "--count", 10, "--set", "shortest=0"
    )
    assert done.code == 0, done.err
    kept = Path(".prune/selections/dsir/keys.txt").read_text().split()
    assert sum(int(key) % 2 == 0 for key in kept) >= 8
