"""The search for nearest neighbours, by the size of the space: for plans, and for the search itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from prune.index.gradients import SKETCH
from prune.index.resource_plan import Size

Kind: TypeAlias = Literal["auto", "exact", "ivf"]

AFFORDABLE = {"cpu": 2e12, "cuda": 2e15}  # n²·width: about a minute of two cores, or of a GPU
LISTS = 3.0  # inverted lists, in square roots of n
PROBES = (2, 4, 8, 16, 32, 64)  # lists that a sample asks, until the recall is reached
FOUND = 24  # bytes for each neighbour of each sample
EDGE = 32  # and this for each, at most, while they are joined in both directions
TILES = 128 * 2**20  # blocks of products


@dataclass(frozen=True)
class Search:
    """How neighbours will be found."""

    kind: Literal["exact", "ivf"]
    why: str  # the number that decided, as a clause
    bytes: int  # at the peak, beyond the space
    work: float  # floating-point operations


def search_of(size: Size, count: int, kind: Kind = "auto") -> Search:
    """Decide how the neighbours of a space of this size are found: `auto` is exact up to 2e12 products·width.

    Raises
    ------
    ValueError
        `kind` is unknown.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind {kind!r} is not one of {', '.join(get_args(Kind))}")
    pairs = float(size.n) ** 2
    limit = AFFORDABLE["cpu" if size.gradients else size.device.split(":")[0]]
    why = f"{size.n:,}² pairs of {size.width} numbers are {pairs * size.width:.1e} operations, "
    if kind == "auto":
        kind = "exact" if pairs * size.width <= limit else "ivf"
        why += f"{'at most' if kind == 'exact' else 'above'} {limit:.0e}"
    else:
        why = f"{kind} was asked for"
    sketch = 4 * size.n * SKETCH if size.gradients and kind == "ivf" else 0
    tiles = min(TILES, 16 * size.n * (size.n + size.width)) + sketch
    if kind == "exact":
        return Search("exact", why, FOUND * size.n * count + tiles, pairs * size.width)
    lists = LISTS * size.n**0.5
    work = 2.0 * size.n * size.width * (lists + 2 * PROBES[1] * size.n / max(lists, 1))
    asked = 8 * (PROBES[-1] - PROBES[-2])  # which lists, and who asks each, beside half of what is found
    held = size.n * max(FOUND * count, FOUND * count // 2 + asked)
    return Search("ivf", why, held + tiles + 2**26, work)
