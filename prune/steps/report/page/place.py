"""Where a sample lies, as a link from the page and in words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prune.core.safe_text import number, printable


@dataclass(frozen=True)
class Place:
    """The file of a sample, as the page links to it, and which part of the file it is."""

    href: str | None  # relative to the page; None: nobody knows the file
    words: str


def place_of(sample: dict[str, Any], root: Path | None, page: Path, counts: str | None = None) -> Place:
    """Return where a row of the sample table lies.

    Parameters
    ----------
    sample
        A row of `SAMPLES`, as a mapping.
    root
        The folder that keys and shards are relative to; None where it is not known.
    page
        The folder of the page.
    counts
        What `index` counts where samples have byte ranges, such as `line`.
    """
    key, shard = sample["key"], sample["shard"]
    href = None if root is None else _relative(root / (key if shard is None else shard), page)
    if shard is None:
        return Place(href, printable(key))
    at = number(int(sample["index"] or 0))
    if sample["offset"] is None:
        return Place(href, f"{printable(shard)}, row\u00a0{at}")
    bytes_ = f"{number(int(sample['size']))} bytes from byte {number(int(sample['offset']))}"
    which = f"{counts}\u00a0{at}, " if counts else ""
    return Place(href, f"{printable(shard)}, {which}{bytes_}")


def _relative(file: Path, page: Path) -> str:
    """Return a path as a URL that no name of a file can make anything else of, such as `javascript:`."""
    path = os.path.relpath(os.path.abspath(file), os.path.abspath(page))  # noqa: PTH100 - links stay links
    return quote(path if path.startswith("../") else f"./{path}", safe="/", errors="surrogateescape")
