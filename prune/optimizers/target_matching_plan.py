"""The plan of target matching: a score a sample, all distances to the target, or lists of the nearest."""

from __future__ import annotations

from dataclasses import replace

from prune.index.gradients import SKETCH
from prune.index.resource_plan import Plan, Size
from prune.index.search import search_of

TILES = 2**26  # bytes of the tiles of two threads
SAMPLE = 64  # bytes for each
CHOSEN = 112  # bytes for each that is chosen
ENTRY = 48  # bytes for each sample that is listed near a target
FEWEST = 32  # nearest samples of each target that are listed
SPARE = 4  # targets that each sample is listed for, on average, where the target is small
ROUNDS = 20 * 256  # samples that a centroid meets while a target is quantised


def matching_plan(size: Size, k: int | None, *, coverage: bool, quantise: int) -> Plan:
    """Decide how a target is matched: for coverage by all distances, if half the memory holds them, or lists.

    Parameters
    ----------
    size
        Of the pool, as it is before it is sketched.
    k
        None: up to all.
    quantise
        Centroids in place of the target; 0: none.
    """
    whole = size.target or size.n
    held, work, t = SAMPLE * size.n + CHOSEN * (k or size.n) + TILES, 0.0, whole
    if 0 < quantise < whole:
        t = quantise
        if size.gradients:
            held += 4 * SKETCH * (size.n + size.target)
            size = replace(size, width=SKETCH, gradients=False)
        held += 32 * whole + 256 * t * size.width
        work = 2.0 * size.width * t * (min(ROUNDS * t, 20 * whole) + whole)
    pairs = 2.0 * size.n * t * size.width
    if not coverage:
        return Plan("direct", f"one score a sample from {t} target samples", held, work + pairs)
    dense = 4 * t * size.n
    if dense <= size.memory // 2:
        return Plan("dense", f"{t} × {size.n} distances fit", dense + held, work + pairs + 7.0 * t * size.n)
    listed = listed_of(size.n, t, size.memory)
    why = f"{t} × {size.n} distances do not fit; the {listed} nearest samples of each target"
    lists = ENTRY * t * listed
    if size.target or t < whole:
        return Plan("sparse", why, lists + held, work + pairs)
    search = search_of(size, listed)
    why += f"; {search.kind} search: {search.why}"
    return Plan("sparse", why, max(search.bytes, lists) + held, search.work)


def listed_of(n: int, t: int, memory: int) -> int:
    """Return how many of the nearest of n samples each of t targets looks at, however many are to be kept."""
    wanted = max(FEWEST, -(-SPARE * n // t))
    return max(1, min(wanted, memory // 2 // (ENTRY * t), n - 1))
