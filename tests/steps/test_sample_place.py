from __future__ import annotations

from typing import Any

import pytest

from prune.steps.sample_place import place_words

ROW: dict[str, Any] = {"key": "a/1.png", "shard": None, "offset": None, "size": None, "index": 3}
RANGE = {"offset": 1024, "size": 80}


@pytest.mark.parametrize(
    ("more", "format_", "words"),
    [
        ({}, "imagefolder", "a/1.png"),
        ({"shard": "a.parquet"}, "huggingface", "a.parquet, row 3"),
        ({"shard": "a.tar", **RANGE}, "webdataset", "a.tar, 80 bytes from byte 1,024"),
        ({"shard": "a.jsonl", **RANGE}, "jsonl", "a.jsonl, line 3, 80 bytes from byte 1,024"),
        (
            {"shard": "\u202ea.csv.zst", **RANGE},
            "csv",
            "\\u202ea.csv.zst, line 3, 80 bytes from byte 1,024 of what it unpacks to",
        ),
    ],
)
def test_where_a_sample_lies(more: dict[str, Any], format_: str, words: str) -> None:
    assert place_words({**ROW, **more}, format_).replace("\u00a0", " ") == words
