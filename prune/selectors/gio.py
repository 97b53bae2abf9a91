"""GIO: samples that bring the KL divergence of a target set from the selection down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import KL_CURVE, Selection
from prune.index.resource_plan import Plan, Size, size_of
from prune.index.space import EmbeddingSpace, Space, Sums
from prune.optimizers.target_matching_plan import listed_of, matching_plan

if TYPE_CHECKING:
    from prune.index.divergence import DivergenceTarget
    from prune.optimizers.stopping_rules import Stop
    from prune.optimizers.target_matching import MatchingRun


POINTS = 200  # of the curve of divergences


def gio(
    space: Space,
    keys: Sequence[str],
    /,
    *,
    k: int | None,
    seed: int,
    coverage: bool = False,
    neighbours: int = 5,
    metric: Literal["euclidean", "cosine"] = "euclidean",
    quantise: int = 0,
    stop: Literal[
        "none",
        "increase",
        "min_difference",
        "min_kl",
        "sequential_increase_tolerance",
        "data_size",
        "max_resets",
    ] = "none",
    start: int = 20,
    min_kl: float = 0.0,
    min_difference: float = 0.0,
    tolerance: int = 3,
    resets: int = 2,
    data_size: float = 0.25,
    given: Rows | None = None,
    target: Space | None = None,
    target_weights: Sums | None = None,
) -> Selection:
    """Samples that minimise the estimated KL divergence of a target set from the selection, ``KL(X ‖ W)``.

    With t target samples x of weights a, m selected samples w, and ρ(x) the distance of x to its
    k-th neighbour in the target (k = `neighbours` here), the estimate is

        ``KL(W) = d·mean_{w ∈ W} φ(w) − d·Σᵢ aᵢ ln ρ(xᵢ) / Σᵢ aᵢ + mean_{l=1…m} ln(k m / (l (t − 1)))``
        ``φ(w) = Σᵢ aᵢ ln‖xᵢ − w‖ / Σᵢ aᵢ``

    No two selected samples share a term: φ is a score a sample, and the k samples of lowest φ are the exact
    optimum for every k. Hence also what is wrong with it: **the selection collapses** to the centre of the
    target (the fact `std_ratio`, selected over target, falls far below 1), and its "divergence" is lower than
    that of the target from itself. ``coverage=true`` is the estimate that does not collapse:

        ``KL(W) = d·Σᵢ aᵢ ln(ν(xᵢ) / ρ(xᵢ)) / Σᵢ aᵢ + ln(m / (t − 1))``

    with ν(x) the distance to the nearest selected sample, and ρ(x) to the nearest other target sample. Its
    decrease is facility location with the similarity −ln‖x − w‖, monotone submodular at fixed m, so the
    greedy choice reaches 1 − 1/e of the best. When no sample brings any target nearer, the rest of the pool
    covers the target anew, a layer after another.

    Distances below 1e-5 count as 1e-5, so an exact copy of a target sample is favoured: keep copies out of
    the pool. Without a target the pool itself is the target (pure pruning), and no sample is near to itself.

    Good for choosing from a large pool what resembles a small target set (`coverage=true`), and for ranking
    a pool by nearness to a target (without). Bad at pure pruning without `coverage`, which keeps what is most
    typical and drops every tail; high dimensions, where all distances are alike, flatten both.

    ρ is taken from at most 4,096 target samples, evenly spaced. That shifts KL by the same amount at every
    size, about ``d·s / 64`` with s the standard deviation of ln ρ: no order, no gain but the first and no
    rule changes by it, except where ``min_kl`` fires.

    Time O(n·t·d), one matrix product and a logarithm a pair, streamed; memory O(n). `quantise` bounds t.
    ``coverage=true`` adds about 7·n·t operations a layer and 4·n·t bytes, or, where they do not fit into half
    of the memory, a list of nearest samples for each target, whose length does not depend on k.

    Parameters
    ----------
    space
        n samples, embeddings or gradients; d is c·(d + 1) for gradients.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n − given]``; None: as many as the stopping rule says, at least 1.
    seed
        Of `start`, of the clusters, and of the draw between samples that are near to no target.
    coverage
        The nearest-neighbour estimate, which does not collapse.
    neighbours
        Of the radius ρ, at least 1. It shifts the divergence, and changes no order; `coverage` takes 1.
    metric
        ``euclidean``, or ``cosine``: the distance of samples divided by their norms.
    quantise
        Replace the target by so many k-means centroids, weighted by their clusters; 0: do not. Gradients
        are sketched for it, in 2,048 bytes a sample.
    stop
        Reads KL after every sample; with k, at most k are kept. ``none``: k, or ``increase`` without k.
        ``increase``: before the first rise. ``sequential_increase_tolerance``: at the lowest before
        `tolerance` rises in a row. ``max_resets``: at the lowest before rise number `resets` + 1.
        ``min_difference``: before the first fall smaller than that. ``min_kl``: at the first size with
        KL ≤ `min_kl`, or the lowest if there is none. ``data_size``: that fraction of the pool.
    start
        Random samples of the pool that a stopping rule counts as W before the first, where none are given;
        they are not returned. Not with `coverage`, which needs none.
    min_kl, min_difference, tolerance, resets, data_size
        Thresholds of the rules.
    given
        Positions of samples in W already (the start D of the paper).
    target
        What to match, of the same kind and width; default: the pool.
    target_weights : (t,)
        At least 0, not all 0; default 1.

    Returns
    -------
    Gains are the falls of KL; that of the first, if nothing was given, is −KL. Weights are 1. Facts: `kl` at
    the end, `kl_lowest` and its size, `kl_curve` at up to 200 sizes, `stop` and why, `std_ratio`, `floored`
    pairs nearer than 1e-5.
    A smaller budget is a prefix, except with the rules that go back to the lowest: ``min_kl``,
    ``max_resets`` and ``sequential_increase_tolerance``, for which the fact `nested` is false.

    Raises
    ------
    OptionError
        An option is out of range, the target has another width, or its weights are negative or all 0.
    ValueError
        k is not in ``[1, n − given]``.

    Differs: the published search follows gradients of a free point for 50 steps and takes the sample nearest
    to where it ends, which only approaches the order of φ; here φ of every sample is computed, and the order
    is exact. No 1e-8 is added to distances, as the floor of 1e-5 is enough. Published rules ``max_resets``
    and ``sequential_increase_tolerance`` never fire, ``data_size`` takes one too many, and the sample that
    reaches ``min_kl`` is dropped; a reset gives samples back that would be taken again, so here it only
    forgives a rise. W starts from random samples of the pool, not from uniform noise. Weights of the target
    are used.

    References
    ----------
    Everaert & Potts, "GIO: Gradient Information Optimization for Training Dataset Selection", ICLR 2024,
    arXiv:2306.11670. Wang, Kulkarni & Verdú, "Divergence Estimation for Multidimensional Densities Via
    k-Nearest-Neighbor Distances", IEEE Trans. Inf. Theory 55(5), 2009.
    """
    from prune.optimizers.stopping_rules import Stop
    from prune.optimizers.target_matching import covering, modular

    _require_counts(neighbours, quantise, start)
    rule = "increase" if k is None and stop == "none" else stop
    stopping = Stop(rule, min_kl, min_difference, tolerance, resets, data_size)
    chosen = np.empty(0, np.int64) if given is None else np.unique(np.asarray(given, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < space.n:
        raise ValueError(f"given positions span [{chosen[0]}, {chosen[-1]}], but there are {space.n} samples")
    free = space.n - len(chosen)
    if free < 1 or (k is not None and not 1 <= k <= free):
        raise ValueError(f"cannot keep {k} of {free} samples")
    whole = _aim(space.under(metric), None if target is None else target.under(metric), target_weights)
    aim = _quantised(whole, quantise, seed)
    if coverage:
        limit = min(stopping.fraction_of(space.n), free) if k is None and rule == "data_size" else k
        size = size_of(space, target=0 if target is None else target.n)
        plan = plan_of_gio(size, limit, {"coverage": True, "quantise": quantise})
        listed = listed_of(aim.pool.n, aim.space.n, space.memory) if plan.mode == "sparse" else None
        last = np.argsort(lots(keys, str(seed)), kind="stable")
        run = covering(aim, chosen, limit, listed, last)
    else:
        start = start if rule != "none" and not len(chosen) else 0
        noise = np.random.default_rng(seed).choice(space.n, min(start, space.n), replace=False)
        run = modular(aim, chosen, noise, neighbours)
    return _stopped(run, whole, stopping, k, {"target": _named(aim)})


def plan_of_gio(size: Size, k: int | None, options: Mapping[str, Any]) -> Plan:
    """One score a sample; for coverage all distances, if they fit into half the memory, or lists."""
    quantise, coverage = int(options.get("quantise", 0)), bool(options.get("coverage", False))
    return matching_plan(size, k, coverage=coverage, quantise=quantise)


def _stopped(
    run: MatchingRun, aim: DivergenceTarget, stopping: Stop, k: int | None, more: dict[str, Any]
) -> Selection:
    curve = run.curve[:k]
    kept, why = stopping.size(curve, run.before, aim.pool.n)
    size = max(kept, 1)
    rows, curve = run.rows[:size], curve[:size]
    first = 0.0 if np.isinf(run.before) else run.before
    lowest = int(np.argmin(curve))
    facts = (
        run.facts
        | more
        | {
            "kl": float(curve[-1]),
            "kl_lowest": float(curve[lowest]),
            "kl_lowest_size": lowest + 1,
            KL_CURVE: _thinned(run.curve[:k]),
            "stop": why if kept else f"{why}, at once: one is kept all the same",
            "std_ratio": _ratio(aim, rows),
        }
        | ({"nested": False} if stopping.goes_back else {})
    )
    return Selection.of(rows, gains=-np.diff(curve, prepend=first).astype(np.float32), facts=facts)


def _thinned(curve: Sums) -> dict[str, list[Any]]:
    """Return the divergence at 200 sizes, or all there are: beyond those kept, too, where it is known."""
    at = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), POINTS)).round().astype(np.int64))
    return {"kept": (at + 1).tolist(), "kl": curve[at].tolist()}


def _ratio(aim: DivergenceTarget, rows: Rows) -> float | None:
    """Standard deviation of the selected over that of the target; None if the target has none."""
    whole = _variance(aim.space, aim.weights)
    return float(np.sqrt(_variance(aim.pool.subset(rows), np.ones(len(rows))) / whole)) if whole > 0 else None


def _variance(space: Space, weights: Sums) -> float:
    shares = weights / weights.sum()
    mean = space.sum(shares)
    square = float(shares @ space.squared_norms())
    variance = square - float(np.vdot(mean, mean))
    return variance if variance > 1e-12 * square else 0.0  # rounding leaves about 1e-15


def _aim(pool: Space, target: Space | None, weights: Sums | None) -> DivergenceTarget:
    from prune.index.divergence import DivergenceTarget
    from prune.index.target_weights import weights_of_target

    points = pool if target is None else target
    _require_alike(pool, points)
    return DivergenceTarget(points, pool, weights_of_target(weights, points.n), target is None)


def _quantised(whole: DivergenceTarget, count: int, seed: int) -> DivergenceTarget:
    if not 0 < count < whole.space.n:
        return whole
    from prune.index.clusters import clusters

    found = clusters(whole.space.coordinates(), count, seed=seed)
    pool = whole.pool.coordinates()
    centroids = EmbeddingSpace(
        np.asarray(found.centroids, np.float32), metric=pool.metric, device=pool.device, memory=pool.memory
    )
    sizes = np.bincount(found.owner, whole.weights, len(found.centroids)).astype(np.float64)
    return replace(whole, space=centroids, pool=pool, weights=sizes, same=False)


def _named(aim: DivergenceTarget) -> str:
    return "the pool itself" if aim.same else f"{aim.space.n} points"


def _require_alike(pool: Space, target: Space) -> None:
    if type(pool) is not type(target) or pool.width != target.width:
        raise OptionError(
            f"the target has {target.width} numbers a sample, and the pool {pool.width}",
            "embed both with the same encoder",
        )


def _require_counts(neighbours: int, quantise: int, start: int) -> None:
    if neighbours < 1:
        raise OptionError(f"neighbours={neighbours} is not at least 1")
    if quantise < 0 or start < 0:
        raise OptionError(f"quantise={quantise}, start={start}: neither may be negative")
