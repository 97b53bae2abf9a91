"""Where a sample lies, in words: its file, and which part of the file it is."""

from __future__ import annotations

from typing import Any

from prune.core.safe_text import number, printable
from prune.readers import READERS
from prune.readers.lines.containers import CODECS


def place_words(sample: dict[str, Any], format: str) -> str:
    """Return where a row of the sample table lies, in a dataset of this format.

    `a.tar, 1,024 bytes from byte 512`, `a.jsonl, line 3, 80 bytes from byte 160`, `a.parquet, row 7`; of
    a compressed file the bytes are those that it unpacks to, and of a sample that is a file, it is the key.
    """
    shard = sample["shard"]
    if shard is None:
        return printable(sample["key"])
    at = number(int(sample["index"] or 0))
    if sample["offset"] is None:
        return f"{printable(shard)}, row\u00a0{at}"
    counts = READERS[format].counts if format in READERS else None
    which = f"{counts}\u00a0{at}, " if counts else ""
    inside = " of what it unpacks to" if shard.endswith(tuple(CODECS)) else ""
    bytes_ = f"{number(int(sample['size']))} bytes from byte {number(int(sample['offset']))}"
    return f"{printable(shard)}, {which}{bytes_}{inside}"
