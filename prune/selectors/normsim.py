"""NormSim: samples that are like a target, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from prune.core.arrays import Array
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size
from prune.index.space import BLOCK, EmbeddingSpace, Space, Sums
from prune.selectors.top import ranked, tied_at_cut

NormOrder: TypeAlias = Literal["inf", "2"]


def normsim(
    space: Space, keys: Sequence[str], /, *, k: int, seed: int, target: Space, p: NormOrder = "inf"
) -> Selection:
    """Highest ``‖X̄ x‖_p`` first, X̄ the target, all of length 1: the largest cosine, or ``√Σ cos²``.

    Each sample is judged alone, so of many that are nearly the same all are taken: `semdedup` first
    (`--within`) leaves out copies, `round_robin` gives every target sample its share, and `gio` with
    ``coverage=true`` matches the target as a whole. Time O(n·t·d) for ``p=inf``, t target samples, exactly, a
    block at a time; O((n + t)·d²) for ``p=2`` in an embedding; memory O(n + d²).

    Good for picking what a small clean set asks for out of a large pool; bad at keeping the spread of the
    target, of which it may serve one corner only.

    Parameters
    ----------
    space
        n samples; only their directions count.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw between equal samples.
    target
        What to match, of the same kind and width.
    p
        ``inf``: the nearest target sample decides. ``2``: all of them, so that the main directions of the
        target count most, and the sign of a cosine does not.

    Returns
    -------
    Gains are the norms; weights are 1. A sample without direction has 0. Facts: `tied_at_cut`.

    Raises
    ------
    OptionError
        `p` is neither, or the target has another width.
    ValueError
        k is not in ``[1, n]``.

    References
    ----------
    Wang et al., "CLIPLoss and Norm-Based Data Selection Methods for Multimodal Contrastive Learning", NeurIPS
    2024, arXiv:2405.19547.
    """
    if p not in get_args(NormOrder):
        raise OptionError(f"p={p} is not one of {', '.join(get_args(NormOrder))}", "p=inf")
    require_width(space, target)
    pool, aim = space.under("cosine"), target.under("cosine")
    aim = aim.subset(np.flatnonzero(aim.squared_norms() > 0))
    order, norms = _nearest(pool, aim) if p == "inf" else _quadratic(pool, aim)
    rows = ranked(order, keys, k, seed)[:k]
    return Selection.of(rows, gains=norms[rows], facts=tied_at_cut(order, rows))


def plan_of_normsim(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001 - as every plan
    """Return what comparing every sample with the target needs."""
    t, d = size.target or size.n, size.width
    if options["p"] == "2" and not size.gradients:
        return Plan(
            "direct", f"a form of {d:,} × {d:,} numbers", 8 * d * d + 24 * size.n, 2.0 * size.n * d * d
        )
    return Plan("tiled", f"{size.n:,} samples meet {t:,} of the target", 24 * size.n, 2.0 * size.n * t * d)


def require_width(space: Space, target: Space) -> None:
    """Refuse a target that is not in the space of the samples.

    Raises
    ------
    OptionError
        It is of another kind, or has another width.
    """
    if type(space) is not type(target) or space.width != target.width:
        raise OptionError(
            f"the target has {target.width} numbers a sample, and the pool {space.width}",
            "embed both with the same encoder",
        )


def _nearest(pool: Space, aim: Space) -> tuple[Array, Array]:
    """What to rank by, lowest first, and the largest cosine of each sample: float32 of what float64 knows."""
    from prune.index.neighbours import nearest_to

    squares = np.full(pool.n, 2, np.float32)  # at a right angle
    alive = np.flatnonzero(pool.squared_norms() > 0)
    if aim.n and len(alive):
        squares[alive] = nearest_to(pool.subset(alive), aim, 1).squares[:, 0]
    return squares, (1 - squares.astype(np.float64) / 2).astype(np.float32)


def _quadratic(pool: Space, aim: Space) -> tuple[Array, Array]:
    """The same for ``√Σ cos²``: float64 products, rounded to float32 to be the same on every machine."""
    spans = [slice(start, min(start + BLOCK, pool.n)) for start in range(0, pool.n, BLOCK)]
    if isinstance(pool, EmbeddingSpace) and isinstance(aim, EmbeddingSpace):
        form = np.zeros((pool.d, pool.d))
        for start in range(0, aim.n, BLOCK):
            some = aim.wide(slice(start, min(start + BLOCK, aim.n)))
            form += some.T @ some
        squares = [np.einsum("nd,nd->n", pool.wide(span) @ form, pool.wide(span)) for span in spans]
    else:
        squares = [_sum_of_squares(pool, aim, span) for span in spans]
    norms = np.sqrt(np.maximum(np.concatenate(squares), 0)).astype(np.float32)
    return -norms, norms


def _sum_of_squares(pool: Any, aim: Any, span: slice) -> Sums:
    """Σ cos² of some gradients with all of the target, by their factors."""
    errors, features = pool.wide(span)
    total = np.zeros(len(errors))
    for start in range(0, aim.n, BLOCK):
        others, theirs = aim.wide(slice(start, min(start + BLOCK, aim.n)))
        total += np.square((errors @ others.T) * (1 + features @ theirs.T)).sum(1)
    return total
