"""The plan of facility location: on all similarities, on a graph, or part by part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt
from typing import Literal, TypeAlias

from prune.core.errors import OptionError
from prune.core.safe_text import size as amount
from prune.index.resource_plan import Plan, Size
from prune.index.search import EDGE, FOUND, search_of
from prune.optimizers.engines import Greedy

FacilityMode: TypeAlias = Literal["auto", "dense", "sparse", "partitioned"]

LINK = FOUND + EDGE  # bytes per sample and link
READINGS = 8.0  # of all similarities, or of the graph, whatever k is
PART = 16_384  # samples of a part; beyond, parts get slower and hardly better
SPARE = 3  # times k candidates that the parts keep together; with 2, many parts lose a tenth


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """What the user says about the search."""

    mode: FacilityMode = "auto"
    neighbours: int = 64  # that a sample is linked to where not all similarities are held
    greedy: Greedy = "lazy"
    epsilon: float = 0.1  # of stochastic, in (0, 0.5]
    parts: int | None = None  # of partitioned
    seed: int = 0

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise OptionError(f"neighbours={self.neighbours} is not at least 1", "--set neighbours=64")
        if self.parts is not None and self.parts < 1:
            raise OptionError(f"parts={self.parts} is not at least 1", "leave parts out, or --set parts=4")
        if self.parts is not None and self.mode != "partitioned":
            raise OptionError(
                f"parts={self.parts} says nothing unless the search is partitioned",
                "--set mode=partitioned",
            )


def facility_plan(size: Size, k: int, ways: Ways) -> Plan:
    """Choose between dense, sparse and partitioned.

    Dense while all similarities take at most half of the memory; sparse while the graph fits; else parts.

    Raises
    ------
    OptionError
        The mode that is asked for does not fit in memory.
    """
    dense, sparse = _dense(size, k, ways), _sparse(size, k, ways)
    if ways.mode == "partitioned":
        return _partitioned(size, k, ways, "asked for")
    if ways.mode != "auto":
        return _fitting(dense if ways.mode == "dense" else sparse, size, ways.mode)
    if dense.bytes <= size.memory // 2:
        return dense
    for plan in (sparse, dense):
        if plan.bytes <= size.memory:
            return plan
    return _partitioned(size, k, ways, f"the graph would take {amount(sparse.bytes)}")


def parts_of(n: int, memory: int, parts: int | None) -> int:
    """Return how many parts n samples are divided into, so that one at a time is no burden."""
    if parts is not None:
        return min(parts, n)
    return min(max(2, -(-n // min(isqrt(memory // 16), PART))), n)


def _dense(size: Size, k: int, ways: Ways) -> Plan:
    n = size.n
    held = 4 * n * n + 16 * min(n, 2048) ** 2 + 8 * min(n, 2048) * size.width + 64 * n
    why = f"{n:,} × {n:,} similarities are {amount(4 * n * n)}"
    return Plan("dense", why, held, float(n) ** 2 * (size.width + READINGS + _repeats(k, ways)))


def _sparse(size: Size, k: int, ways: Ways) -> Plan:
    n, count = size.n, min(ways.neighbours, size.n)
    why = f"{n:,} × {n:,} similarities would be {amount(4 * n * n)}"
    search = search_of(size, count)
    work = search.work + float(n) * READINGS * 2 * count * (1 + _repeats(k, ways))
    held = max(search.bytes, (FOUND + EDGE) * n * count)
    return Plan("sparse", f"{why}; {search.kind} search: {search.why}", held + 64 * n, work)


def _partitioned(size: Size, k: int, ways: Ways, why: str) -> Plan:
    parts = parts_of(size.n, size.memory, ways.parts)
    part = -(-size.n // parts)
    first = _dense(Size(part, size.width, size.memory), k, ways)
    kept = min(SPARE * k, size.n)
    held = max(first.bytes, LINK * size.n * links_of(size.n, size.memory, ways.neighbours)) + 64 * size.n
    return Plan("partitioned", why, held, parts * first.work + 2.0 * size.n * kept * size.width)


def links_of(n: int, memory: int, neighbours: int) -> int:
    """Return how many of the candidates left each sample is linked to in the second round."""
    return min(neighbours, max(4, memory // (2 * LINK * n)))


def _repeats(k: int, ways: Ways) -> float:
    return float(k) if ways.greedy == "naive" else 0.0


def _fitting(plan: Plan, size: Size, mode: str) -> Plan:
    if plan.bytes > size.memory:
        raise OptionError(
            f"mode={mode} needs {amount(plan.bytes)} for {size.n:,} samples, and may use "
            f"{amount(size.memory)}",
            "--set mode=auto, or a larger --max-memory",
        )
    return replace(plan, why="asked for")
