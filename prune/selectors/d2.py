"""D2: hard samples in dense places first, and what is taken lowers its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows, Scores
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.search import search_of
from prune.index.space import Space, Sums
from prune.selectors.top import require_numbers


def d2(
    scores: Scores,
    space: Space,
    keys: Sequence[str],
    /,
    *,
    k: int,
    seed: int,
    neighbours: int = 5,
    gamma_forward: float = 1.0,
    gamma_reverse: float = 1.0,
    lowest: bool | None = None,
    metric: Literal["euclidean", "cosine"] = "euclidean",
    given: Rows | None = None,
) -> Selection:
    """Greedy by score plus the scores of neighbours; every sample taken lowers those of its neighbours.

    Samples are joined to their nearest, in both directions. First ``vᵢ = sᵢ + Σⱼ exp(−γf·dᵢⱼ)·sⱼ`` over the
    neighbours j of i; then, k times, the sample i of highest v is taken and each of its neighbours j loses
    ``exp(−γr·dᵢⱼ)·vᵢ``. Time: the graph of nearest neighbours, then O(n·neighbours + k·log n); memory
    O(n·neighbours) beyond the graph.

    Good for keeping hard samples and still some of every region, at moderate budgets (up to about 70 %
    dropped in the paper). Bad at very small budgets, where difficult samples teach little; with noisy labels,
    which score as hard (drop the hardest first); and in embeddings whose distances mean nothing.

    Parameters
    ----------
    scores : (n,)
        Finite; high is taken first. They are mapped to ``[0, 1]``, lowest to highest; if all are equal, to 1.
    space
        n samples.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the draw between equal values, and of the search for neighbours where that is approximate.
    neighbours
        Nearest samples that each is joined to, at least 1. The paper tries 1 to 15.
    gamma_forward, gamma_reverse
        γf and γr, at least 0: how fast messages and penalties fade with distance. With ``gamma_reverse=0`` a
        neighbour loses all that the taken sample had.
    lowest
        Take low scores first. Default: the hard end first, as the score says which that is (low ones of
        `aum`, high ones of `el2n`); where nobody says, high ones.
    metric
        Of the distances d.
    given
        Positions of samples that are chosen already: they are taken first, highest first, and not returned.

    Returns
    -------
    Gains are v when taken, which never rise; some may be negative. Weights are 1. Equal values are
    ordered by the hash of seed and key. Facts: `search` and
    `recall` of the graph, and `unit`, the mean distance to a neighbour.

    Differs: distances are divided by their mean over all neighbours, so γ means the same in every embedding.
    γf is an option; the published code fixes it at 1. A sample whose value has fallen below zero takes
    nothing from its neighbours, where the published code raises them. And the order taken is kept, which the
    published code loses in a set.

    Raises
    ------
    OptionError
        `neighbours` is below 1, or γ is negative.
    ValueError
        A score is not finite, there are not n of them, k is not in ``[1, n − given]``, or a given position is
        not in ``[0, n)``.

    References
    ----------
    Maharana, Yadav & Bansal, "D2 Pruning: Message Passing for Balancing Diversity & Difficulty in Data
    Pruning", ICLR 2024, arXiv:2310.07931.
    """
    from prune.index.neighbours import nearest
    from prune.optimizers.message_passing import edges_of, gathered, take_highest

    free, taken = free_rows(space.n, given, k)
    if neighbours < 1:
        raise OptionError(f"neighbours={neighbours} is not at least 1")
    for name, gamma in (("gamma_forward", gamma_forward), ("gamma_reverse", gamma_reverse)):
        if not 0 <= gamma < np.inf:
            raise OptionError(f"{name}={gamma} is not a number from 0 up")
    worth, lot = _worth(scores, space.n, bool(lowest)), lots(keys, str(seed))
    found = nearest(space.under(metric), neighbours, seed=seed)
    edges, unit = edges_of(found)
    values = gathered(edges, worth, gamma_forward)
    take_highest(edges, values, gamma_reverse, taken, len(taken), lot)
    rows, gains = take_highest(edges, values, gamma_reverse, free, k, lot)
    facts = {"search": found.kind, "recall": found.recall, "unit": unit}
    return Selection.of(rows, gains=gains.astype(np.float32), facts=facts)


def plan_of_d2(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `d2` needs: the graph, and a few passes over its edges."""
    count = max(1, min(int(options["neighbours"]), size.n))
    search, links = search_of(size, count), size.n * count
    why = f"{count} nearest of {size.n:,} samples: {search.kind}, {search.why}"
    return Plan("sparse", why, search.bytes + 96 * links + 64 * size.n, search.work + 50.0 * (links + k))


def _worth(scores: Scores, n: int, lowest: bool) -> Sums:
    if len(scores) != n:
        raise ValueError(f"{len(scores)} scores, but {n} samples")
    require_numbers(scores, 1)
    low, high = float(scores.min()), float(scores.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"scores span [{low}, {high}], which cannot be mapped to [0, 1]")
    if low == high:
        return np.ones(n, np.float64)
    worth: Sums = (scores.astype(np.float64) - low) / (high - low)
    return 1 - worth if lowest else worth
