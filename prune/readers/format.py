"""One row of the table of readers: a format, how it is recognised and opened, what differs from others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOLD = (
    "as_it_stands",
    "settled",
    "labelled",
    "certain",
)  # what `open_reader` tells a format that asks for it; no options


@dataclass(frozen=True, kw_only=True)
class Format:
    """How datasets of one form are read."""

    open: Callable[..., Any]  # place and options -> Reader
    looks_like: Callable[
        [Path], bool
    ]  # whether what lies at a place may be of this format; without reading it
    summary: str  # its row in `prune methods`
    labels_by_row: bool = False  # its labels may come from an array of its length
    exported: str = "webdataset"  # the format that an export of it takes where nobody says another
    exported_texts: str | None = None  # that of texts, where it is another
    counts: str | None = None  # what `index` counts of samples that have a byte range: `line`
    suffixes: tuple[str, ...] = ()  # of files that a pattern may name
    at_addresses: bool = False  # it is read in ranges, so from an object store as well
    only_alone: int = 0  # its files may lie beside data of a format with a lower number, which is meant then

    @property
    def options(self) -> tuple[str, ...]:
        """What may be said of a dataset of this format."""
        return tuple(name for name in self._keywords if name not in TOLD)

    @property
    def told(self) -> tuple[str, ...]:
        """What of `TOLD` it wants to know."""
        return tuple(name for name in self._keywords if name in TOLD)

    @property
    def _keywords(self) -> list[str]:
        known = inspect.signature(self.open).parameters.values()
        return [one.name for one in known if one.kind is one.KEYWORD_ONLY]
