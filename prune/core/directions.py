"""Directions of scores: what a high value may mean, and which end is of the samples that say most."""

from __future__ import annotations

_LOW_IS_HARD: dict[str, bool | None] = {
    "hard": False,
    "easy": True,
    "typical": True,
    "atypical": False,
    "redundant": True,
    "uncertain": False,
    "contrastive": False,
    "long": None,
    "matching": None,
}
MEANINGS = tuple(_LOW_IS_HARD)
AND = " and "  # between meanings that are true together


def low_is_hard(high: str) -> bool | None:
    """Whether low values are of the hard, uncertain, atypical samples; None where nobody can tell."""
    ends = {_LOW_IS_HARD.get(meaning) for meaning in high.split(AND)}
    return ends.pop() if len(ends) == 1 else None


def hard_end(high: str) -> str | None:
    """Return `high` or `low`: the end where the hard samples lie; None where it is not about how hard."""
    return {"hard": "high", "easy": "low"}.get(high)
