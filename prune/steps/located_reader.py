"""The reader of a dataset, from where that lies and how it is read: what a store remembers of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.modalities.image.decode_settings import pixels_of
from prune.readers import Reader, open_reader
from prune.steps.holdout import DRAWN, FRACTION

LIMIT = "max_pixels"  # of an image, in how a dataset is read: the reader does not look at images


def reader_at(location: Mapping[str, Any]) -> Reader:
    """Open the reader of a dataset: `data`, `reading`, and whether a store was made of it (`settled`)."""
    pixels_of(location["reading"].get(LIMIT))  # a limit that is none is said before anything is read
    return open_reader(location["data"], settled=location["settled"], **reader_words(location["reading"]))


def reader_words(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader is told, of all that a store remembers of how its dataset is read."""
    return {name: value for name, value in reading.items() if name not in {LIMIT, FRACTION, DRAWN}}
