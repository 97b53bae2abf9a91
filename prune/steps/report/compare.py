"""A selection next to class-balanced random ones of the same size.

Two questions that hold for every method: how far is a dropped sample from the nearest kept one, and how is
the kept set spread over the classes?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Array, Labels, Rows
from prune.system.rows_on_disk import RowsOnDisk

_WITNESSES = (256, 2048)  # rows from which distances are measured, drawn from all candidates
_PAIRS = 2**29  # of a witness and a kept row, in which there are fewer witnesses where more are kept
_DRAWS = 3  # random sets
_BLOCK = 1024  # rows of a distance block: 8 MB
_FAR, _MOST = 30, 120  # exponents: beyond the first, squares may leave float32; the largest that is taken off


def coverage(vectors: Array | RowsOnDisk, witnesses: Rows, kept: Rows) -> dict[str, float]:
    """Distance from each witness to the nearest kept row, in the same bits by any number of threads.

    Mean and maximum. Time O(witnesses·k·d), memory O(witnesses·block) a thread.
    """
    from prune.system.executors.threads import threads

    scale = _scale(vectors, witnesses, kept)

    def scaled(rows: Rows) -> Array:
        return vectors[rows].astype(np.float32) * np.float32(scale)

    points = scaled(witnesses)
    squares = np.einsum("id,id->i", points, points)

    def nearest_from(start: int) -> Array:
        centres = scaled(kept[start : start + _BLOCK])
        distances = squares[:, None] + np.einsum("id,id->i", centres, centres)[None]
        products = points @ centres.T
        distances -= np.multiply(products, 2, out=products)
        least: Array = distances.min(1)
        return least

    nearest = np.full(len(points), np.inf, np.float32)
    with threads() as pool:
        for found in pool.map(nearest_from, range(0, len(kept), _BLOCK)):
            np.minimum(nearest, found, out=nearest)
    nearest = np.sqrt(np.maximum(nearest, 0))
    nearest[np.isin(witnesses, kept)] = 0
    return {"mean": float(nearest.mean(dtype=np.float64)) / scale, "max": float(nearest.max()) / scale}


def _scale(vectors: Array | RowsOnDisk, witnesses: Rows, kept: Rows) -> float:
    """Return a power of two that keeps squares of these rows within float32; mostly 1."""
    if vectors.dtype == np.float16:
        return 1.0
    rows = np.union1d(witnesses, kept)
    blocks = (vectors[rows[start : start + _BLOCK]] for start in range(0, len(rows), _BLOCK))
    exponent = int(np.frexp(max(float(np.abs(block).max()) for block in blocks))[1])
    return 1.0 if abs(exponent) < _FAR else 2.0 ** -max(exponent, -_MOST)


@dataclass(frozen=True)
class MeasuredPool:
    """The samples that a selection is measured in."""

    free: Rows  # that could be chosen
    given: Rows  # chosen before, and kept whatever is selected
    dropped: Rows  # left out as hardest

    @property
    def usable(self) -> Rows:
        """All of them, ascending."""
        return np.sort(np.concatenate([self.free, self.given, self.dropped]))


def compare(
    vectors: Array | RowsOnDisk | None,
    labels: Labels,
    pool: MeasuredPool,
    chosen: Rows,
    classes: int,
    seed: int,
) -> dict[str, Any]:
    """Measure a selection and random ones by the same numbers.

    Given samples are kept ones, of the selection and of the random ones. A class is all its usable samples,
    those left out as hardest among them. Distances say how far what is dropped lies from what is kept; they
    do not say which selection trains better.
    """
    compared: dict[str, Any] = {"given": len(pool.given)} if len(pool.given) else {}
    kept = _both(chosen, pool.given)
    if classes and (labels[kept] >= 0).any():
        compared["classes"] = _balance(labels, pool.usable, kept, classes)
    if vectors is not None:
        rng = np.random.default_rng(seed)
        among = _both(pool.free, pool.given)
        wanted = int(np.clip(_PAIRS // max(len(kept), 1), *_WITNESSES))
        witnesses = np.sort(rng.choice(among, min(wanted, len(among)), replace=False))
        draws = [balanced_random(labels, pool.free, len(chosen), rng) for _ in range(_DRAWS)]
        chance = [coverage(vectors, witnesses, _both(draw, pool.given)) for draw in draws]
        compared["distance_to_nearest_kept"] = {
            "selection": coverage(vectors, witnesses, kept),
            "random": {key: float(np.mean([found[key] for found in chance])) for key in ("mean", "max")},
            "witnesses": len(witnesses),
        }
    return compared


def _both(rows: Rows, given: Rows) -> Rows:
    """Return ascending rows, and those given."""
    return np.union1d(rows, given) if len(given) else rows


def balanced_random(labels: Labels, candidates: Rows, k: int, rng: np.random.Generator) -> Rows:
    """Draw k rows at random, in proportion to the classes."""
    from prune.core.quota import budgets

    if not len(candidates):  # all that there is was kept before
        return candidates
    classes, codes = np.unique(labels[candidates], return_inverse=True)
    counts = np.bincount(codes, minlength=len(classes))
    shares = budgets(counts, k, "proportional")
    members = np.split(candidates[np.argsort(codes, kind="stable")], np.cumsum(counts)[:-1])
    drawn = [rng.choice(rows, int(share), replace=False) for rows, share in zip(members, shares, strict=True)]
    return np.sort(np.concatenate(drawn))


def _balance(labels: Labels, usable: Rows, kept: Rows, classes: int) -> dict[str, Any]:
    before = np.bincount(labels[usable][labels[usable] >= 0], minlength=classes)
    after = np.bincount(labels[kept][labels[kept] >= 0], minlength=classes)
    present = np.flatnonzero(before)
    shares = after[present] / before[present]
    return {
        "least_kept": {"class": int(present[shares.argmin()]), "fraction": float(shares.min())},
        "most_kept": {"class": int(present[shares.argmax()]), "fraction": float(shares.max())},
        "present": len(present),
        "lost": int((shares == 0).sum()),
    }
