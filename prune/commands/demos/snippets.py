"""Snippets of text from four sources, which lie beside this file: a pool, a target, and what to test on.

Where they come from, and their licence, stand in `snippets.txt`.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from prune.system import files

_SNIPPETS = Path(__file__).with_name("snippets.jsonl.gz")
WANTED = "movie"  # the domain that is aimed at
_PARTS = {"pool": range(10), "test": range(10, 16), "wanted": range(16, 19)}  # of 19 snippets of that domain


@dataclass(frozen=True)
class Snippets:
    """The files of the demo."""

    pool: Path  # 1,000 snippets of each domain, as lines of JSON
    test: Path  # 600 of one domain
    wanted: Path  # 300 texts of that domain, a line each, without labels


def write_snippets(folder: Path) -> Snippets:
    """Write the snippets into a folder; a file that is there stays."""
    there = Snippets(folder / "snippets.jsonl", folder / "test.jsonl", folder / "wanted.txt")
    lines = _lines()
    texts = [json.loads(line)["text"] for line in lines["wanted"]]
    contents = {
        there.pool: b"".join(lines["pool"]),
        there.test: b"".join(lines["test"]),
        there.wanted: "".join(f"{text}\n" for text in texts).encode(),
    }
    files.make_folder(folder)
    for path, data in contents.items():
        if not path.exists():
            files.write(path, data)
    return there


def domain(key: str) -> str:
    """Return the domain of a snippet."""
    return key.partition("-")[0]


def _lines() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {name: [] for name in _PARTS}
    count = 0  # of the domain that is aimed at
    with gzip.open(_SNIPPETS) as lines:
        for line in lines:
            part = "pool"
            if json.loads(line)["domain"] == WANTED:
                part = next(name for name, places in _PARTS.items() if count % 19 in places)
                count += 1
            found[part].append(line)
    return found
