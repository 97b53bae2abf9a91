"""ZCore: samples that random views of the embeddings need, less those that repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space

EACH = 20  # draws for every sample, unless the user says
MOST = 1_000_000  # as published
LEAST = 1_000


def zcore(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    draws: int | None = None,
    dimensions: int = 2,
    redundant: int = 1000,
    exponent: int = 4,
    given: Rows | None = None,
) -> Selection:
    """Samples that lie nearest to random points of random low-dimensional subspaces, less what is redundant.

    Every sample starts with a random number in [0, 1). A draw takes `dimensions` of the d at random, and in
    each a value from the triangular distribution between least, median and largest. The sample nearest to
    that point in ℓ₁ wins 1; its `redundant` nearest neighbours r in the subspace lose 1 together,

        ``score(r) −= ‖r − winner‖₁^−exponent / Σ_r' ‖r' − winner‖₁^−exponent``

    and the k samples of highest score are kept.

    Good for pruning without labels or training to a tenth or less of a large set, where covering the rim of
    every dimension counts. Bad on small sets and with few draws, where the random start decides; a score a
    sample does not see which others are kept; two dimensions at a time see no structure that needs more; and
    rotating the embeddings changes the outcome.

    Time about O(√(n·redundant)) a draw in two dimensions, tending to O(n) in more: samples lie in cells of
    one dimension, and a search visits only those around the point. Memory 40·n bytes a thread, and columns in
    up to half of the memory allowed. The same for any number of threads: a draw is a row of one table of
    random numbers, and scores are whole multiples of 2⁻⁴⁰.

    Parameters
    ----------
    space
        n samples; gradients are sketched.
    k
        In ``[1, n − given]``.
    seed
        Of the start and the draws.
    draws
        At least 1; default 20 for each sample, from 1,000 to the published million.
    dimensions
        Of a view, at least 1; all, if there are not so many.
    redundant
        Neighbours of the winner that lose; 0: none. Those as near as the last of them lose too.
    exponent
        At least 0; how fast the loss falls with the distance.
    given
        Positions of samples that are not taken again; scores do not depend on them.

    Returns
    -------
    Gains are the scores, moved and scaled to [0, 1] over all samples. Weights are 1.

    Raises
    ------
    OptionError
        An option is out of range.
    ValueError
        k is not in ``[1, n − given]``.

    Differs: published workers share one random state and so draw the same points; here every draw counts.
    Where samples coincide with the winner in a subspace, they share the loss of 1, instead of losing 1 each.

    References
    ----------
    Griffin, Marks & Corso, "Zero-Shot Coreset Selection via Iterative Subspace Sampling", WACV 2026,
    arXiv:2411.15349.
    """
    for name, value, least in (
        ("draws", draws, 1),
        ("dimensions", dimensions, 1),
        ("redundant", redundant, 0),
        ("exponent", exponent, 0),
    ):
        if value is not None and value < least:
            raise OptionError(f"{name}={value} is not at least {least}")
    chosen = np.empty(0, np.int64) if given is None else np.unique(np.asarray(given, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < space.n:
        raise ValueError(f"given positions span [{chosen[0]}, {chosen[-1]}], but there are {space.n} samples")
    if not 1 <= k <= space.n - len(chosen):
        raise ValueError(f"cannot keep {k} of {space.n - len(chosen)} samples")
    from prune.index.random_view_kernels import ONE, ViewRule
    from prune.index.random_views import ViewDraws, coverage

    vectors = space.coordinates()
    count = _draws(space.n, draws)
    table = ViewDraws.of(count, min(dimensions, vectors.d), vectors.d, seed)
    start = (np.random.default_rng([seed, 0]).random(space.n) * ONE).astype(np.int64)
    scores = start + coverage(vectors, table, ViewRule(redundant, exponent))
    order = np.argsort(-scores, kind="stable")
    rows = order[~np.isin(order, chosen)][:k]
    low, high = int(scores.min()), int(scores.max())
    gains = (scores[rows] - low) / max(high - low, 1)
    return Selection.of(rows, gains=gains.astype(np.float32), facts={"draws": count})


def plan_of_zcore(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001
    """Draws that each visit about six times √(n · redundant) samples, and a sort into cells a dimension."""
    count = _draws(size.n, options.get("draws"))
    redundant = min(options.get("redundant", 1000), size.n)
    width = 512 if size.gradients else size.width
    visits = min(6.0 * (size.n * max(redundant, 1)) ** 0.5, size.n)
    columns = min(4 * size.n * width, size.memory // 2)
    work = 2000.0 * count * visits + 30.0 * size.n * width  # cache misses, not arithmetic
    return Plan("direct", f"{count} draws, each of about {int(visits)} samples", columns + 80 * size.n, work)


def _draws(n: int, draws: int | None) -> int:
    return min(max(EACH * n, LEAST), MOST) if draws is None else draws
