"""A selection next to class-balanced random ones of the same size.

Two questions that hold for every method: how far is a dropped sample from the nearest kept one, and how is
the kept set spread over the classes?
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prune.arrays import Array, Labels, Rows

_WITNESSES = 2048  # rows from which distances are measured: a bound on cost, drawn from all candidates
_DRAWS = 3  # random sets
_BLOCK = 4096  # rows of a distance block


def coverage(vectors: Array, witnesses: Rows, kept: Rows) -> dict[str, float]:
    """Distance from each witness to the nearest kept row: mean and maximum.

    Time O(witnesses·k·d), memory O(witnesses·block).
    """
    points = vectors[witnesses].astype(np.float32)
    squares = np.einsum("id,id->i", points, points)
    nearest = np.full(len(points), np.inf, np.float32)
    for start in range(0, len(kept), _BLOCK):
        centres = vectors[kept[start : start + _BLOCK]].astype(np.float32)
        distances = (
            squares[:, None] + np.einsum("id,id->i", centres, centres)[None] - 2 * (points @ centres.T)
        )
        np.minimum(nearest, distances.min(1), out=nearest)
    nearest = np.sqrt(np.maximum(nearest, 0))
    nearest[np.isin(witnesses, kept)] = 0
    return {"mean": float(nearest.mean(dtype=np.float64)), "max": float(nearest.max())}


def compare(
    vectors: Array | None, labels: Labels, candidates: Rows, kept: Rows, classes: int, seed: int
) -> dict[str, Any]:
    """Measure a selection and random ones by the same numbers."""
    compared: dict[str, Any] = {}
    if classes and (labels[kept] >= 0).any():
        compared["classes"] = _balance(labels, candidates, kept, classes)
    if vectors is not None:
        rng = np.random.default_rng(seed)
        witnesses = np.sort(rng.choice(candidates, min(_WITNESSES, len(candidates)), replace=False))
        draws = [
            coverage(vectors, witnesses, balanced_random(labels, candidates, len(kept), rng))
            for _ in range(_DRAWS)
        ]
        compared["coverage"] = {
            "selection": coverage(vectors, witnesses, kept),
            "random": {key: float(np.mean([draw[key] for draw in draws])) for key in ("mean", "max")},
            "witnesses": len(witnesses),
        }
    return compared


def balanced_random(labels: Labels, candidates: Rows, k: int, rng: np.random.Generator) -> Rows:
    """Draw k rows at random, in proportion to the classes."""
    from prune.quota import budgets

    classes, codes = np.unique(labels[candidates], return_inverse=True)
    counts = np.bincount(codes, minlength=len(classes))
    shares = budgets(counts, k, "proportional")
    members = np.split(candidates[np.argsort(codes, kind="stable")], np.cumsum(counts)[:-1])
    drawn = [rng.choice(rows, int(share), replace=False) for rows, share in zip(members, shares, strict=True)]
    return np.sort(np.concatenate(drawn))


def _balance(labels: Labels, candidates: Rows, kept: Rows, classes: int) -> dict[str, Any]:
    before = np.bincount(labels[candidates][labels[candidates] >= 0], minlength=classes)
    after = np.bincount(labels[kept][labels[kept] >= 0], minlength=classes)
    present = np.flatnonzero(before)
    shares = after[present] / before[present]
    return {
        "least_kept": {"class": int(present[shares.argmin()]), "fraction": float(shares.min())},
        "most_kept": {"class": int(present[shares.argmax()]), "fraction": float(shares.max())},
        "lost": int((shares == 0).sum()),
    }
