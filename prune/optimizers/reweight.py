"""Weights for any selection: how many samples each kept one stands for, or how well they sum up to all."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from prune.core.arrays import Rows, Weights
from prune.index.neighbours import nearest_to
from prune.index.space import Space, Sums
from prune.optimizers.pursuit_gram import Gram, exact_dot, exact_products, exact_sum

Reweight: TypeAlias = Literal["cluster", "nnls"]

AT_ONCE = 2048  # kept samples whose weights are solved for together; k beyond it goes round in blocks
RIDGE = 1e-14  # of the squared norm of each: what float64 products lose anyway
SWEEPS = 50
SETTLED = 1e-5  # of the residual: a sweep that takes off less is the last


def reweighted(space: Space, rows: Rows, kind: Reweight) -> Weights:
    """Weights of kept samples, so that they stand for all n.

    - ``cluster``: how many samples are nearest to it, by float64 distances; each kept sample counts
      for itself, other ties go to the one taken earlier; at least 1, sums to n
    - ``nnls``: ``w ≥ 0`` with the least ``‖Σ_all x − Σ wⱼ xⱼ‖``, however short some samples are; 0 where a
      sample does not help, or is nearer than 1e-5 of its length to what others add up to. Exact up to 2,048
      kept samples, in blocks that take turns beyond, until a turn gains less than 1e-5

    Time O(n·k·width) for ``cluster``; for ``nnls`` O(k³ + k²·width), or O(k·2048²) a turn, 50 turns at most.
    Memory 40·n bytes and blocks of 2048² beyond the space.

    Parameters
    ----------
    space
        n samples.
    rows : (k,)
        Distinct positions of the kept ones, in the order taken.
    kind
        ``cluster`` or ``nnls``.

    Returns
    -------
    (k,) float32
        Aligned with `rows`.

    Raises
    ------
    ValueError
        Nothing is kept, a row is not in ``[0, n)`` or comes twice, or the kind is unknown.
    """
    if kind not in get_args(Reweight):
        raise ValueError(f"weights {kind!r} are not one of {', '.join(get_args(Reweight))}")
    kept = np.asarray(rows, np.int64)
    if not len(kept) or not 0 <= kept.min() <= kept.max() < space.n:
        raise ValueError(f"kept rows must be in [0, {space.n}), and at least one")
    if len(np.unique(kept)) != len(kept):
        raise ValueError(f"{len(kept) - len(np.unique(kept))} of {len(kept)} kept rows come twice")
    weights = _cluster_sizes(space, kept) if kind == "cluster" else _non_negative(space, kept)
    return weights.astype(np.float32)


def residual(space: Space, rows: Rows, weights: Weights) -> float:
    """‖Σ_all x − Σ wⱼ xⱼ‖ / ‖Σ_all x‖, at least 0; 0 where all sum to 0."""
    kept = np.zeros(space.n)
    kept[rows] = weights
    whole = space.sum()
    norm = float(np.linalg.norm(whole))
    return float(np.linalg.norm(whole - space.sum(kept))) / norm if norm else 0.0


def _cluster_sizes(space: Space, kept: Rows) -> Sums:
    owner = nearest_to(space, space.subset(kept), 1).rows[:, 0]
    owner[kept] = np.arange(len(kept))
    return np.bincount(owner, minlength=len(kept)).astype(np.float64)


def _non_negative(space: Space, kept: Rows) -> Sums:
    """Solve for blocks of the weights in turn, the others as they are."""
    blocks = [slice(start, start + AT_ONCE) for start in range(0, len(kept), AT_ONCE)]
    residual = space.sum()
    weights = np.zeros(len(kept))
    if len(blocks) > 1:
        weights += space.n / len(kept)
        residual = residual - exact_sum(space, kept, weights)
    before = float(np.vdot(residual, residual))
    for _ in range(SWEEPS):
        for block in blocks:
            part, old = kept[block], weights[block].copy()
            gram = exact_products(space, part)
            right = exact_dot(space, part, residual) + gram @ old
            weights[block] = _fitted(gram, right)
            residual = residual - exact_sum(space, part, weights[block] - old)
        now = float(np.vdot(residual, residual))
        if len(blocks) == 1 or before - now <= SETTLED * before:
            break
        before = now
    return weights


def _fitted(gram: Gram, right: Sums) -> Sums:
    """Solve for samples of unit length: one a hundred million times shorter than others may do as much."""
    from prune.optimizers.pursuit_fit import non_negative

    lengths = np.sqrt(gram.diagonal())
    lengths[lengths == 0] = 1.0
    weights: Sums = non_negative(gram / np.outer(lengths, lengths), right / lengths, RIDGE) / lengths
    return weights
