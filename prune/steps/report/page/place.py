"""Where a sample lies, as a link from the page and in words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prune.steps.sample_place import place_words


@dataclass(frozen=True)
class Place:
    """The file of a sample, as the page links to it, and which part of the file it is."""

    href: str | None  # relative to the page; None: nobody knows the file
    words: str


def place_of(sample: dict[str, Any], format: str, root: Path | None, page: Path) -> Place:
    """Return where a row of the sample table lies.

    Parameters
    ----------
    sample
        A row of `SAMPLES`, as a mapping.
    format
        Of the dataset.
    root
        The folder that keys and shards are relative to; None where it is not known.
    page
        The folder of the page.
    """
    key, shard = sample["key"], sample["shard"]
    href = None if root is None else _relative(root / (key if shard is None else shard), page)
    return Place(href, place_words(sample, format))


def _relative(file: Path, page: Path) -> str:
    """Return a path as a URL that no name of a file can make anything else of, such as `javascript:`."""
    path = os.path.relpath(os.path.abspath(file), os.path.abspath(page))  # noqa: PTH100 - links stay links
    return quote(path if path.startswith("../") else f"./{path}", safe="/", errors="surrogateescape")
