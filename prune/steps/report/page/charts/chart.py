"""A chart of the page: its picture, and the sentence below it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chart:
    """One figure."""

    name: str
    title: str
    about: str  # what it shows, in words
    svg: str
