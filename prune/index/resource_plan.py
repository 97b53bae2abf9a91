"""The plan of a method, said before it runs: how it goes about it, why, memory and work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prune.index.space import Space

Mode = Literal["direct", "dense", "tiled", "sparse", "partitioned"]

RATE = {"cpu": 5e10, "cuda": 1e13}  # operations a second that a laptop core or two, or a GPU, reach easily


@dataclass(frozen=True)
class Size:
    """How large a space is, before it exists."""

    n: int
    width: int  # numbers per sample
    memory: int  # bytes that may be used beyond the space
    device: str = "cpu"
    given: int = 0  # of the n, how many are chosen already
    target: int = 0  # samples of the target set
    gradients: bool = False  # whether samples are factors rather than vectors
    classes: int = 0  # c, of gradients; 0 where it is not known


@dataclass(frozen=True)
class Plan:
    """How a method goes about it.

    `direct`: a few passes over the samples; `dense`: all similarities in memory; `tiled`: similarities
    computed a block at a time, more than once; `sparse`: a graph of nearest neighbours; `partitioned`: parts
    first, then the best of the parts.
    """

    mode: Mode
    why: str  # the number that decided, as a clause
    bytes: int  # at the peak, beyond the space
    work: float  # floating-point operations


def size_of(space: Space, given: int = 0, target: int = 0) -> Size:
    """Return the size of a space that exists."""
    classes: int = getattr(space, "c", 0)  # of gradients
    return Size(space.n, space.width, space.memory, space.device, given, target, classes > 0, classes)


def duration_class(work: float, device: str) -> str:
    """Return `seconds`, `minutes`, `hours` or `days`, for orientation."""
    seconds = work / RATE[device]
    for name, limit in (("seconds", 60.0), ("minutes", 3600.0), ("hours", 86400.0)):
        if seconds < limit:
            return name
    return "days"
