"""Candidates of farthest-first: the farthest samples, and how far all others are at most."""

from __future__ import annotations

from dataclasses import dataclass

from prune.core.arrays import Array, Rows


@dataclass(frozen=True)
class FarthestCandidates:
    """The farthest samples, and how far the others are at most."""

    rows: Rows  # (m,), ascending
    nearest: Array  # (m,) float64
    owner: Array  # (m,) int64
    outside: tuple[float, int]  # the largest squared distance of the others; candidates before its first row
