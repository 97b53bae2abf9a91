"""SemDeDup: of samples that are nearly the same, keep one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from prune.core.arrays import Array, Rows, Scores
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import CLUSTER_OF, Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space, Sums
from prune.selectors.kmeans import places
from prune.selectors.prototypes import clustering
from prune.selectors.top import require_numbers, tied_at_cut

if TYPE_CHECKING:
    from prune.index.balanced_clusters import Parts

Keep: TypeAlias = Literal["hard", "easy", "middle", "random", "score"]

EPS = 0.01  # where neither a threshold nor a budget is given
SMALL = 4096  # samples that are compared all with all
WIDE = (
    40  # the larger, the fewer and larger clusters there are: fewer pairs are missed, and more are compared
)
LARGE = 4  # times the mean size, a cluster is split, if it also has more than LARGE · SMALL members
TILE = 2**12  # samples in memory at once, as float32
SAME = 1e-12  # squared distance of directions that differ by rounding only


def semdedup(
    space: Space,
    keys: Sequence[str],
    /,
    *,
    k: int | None,
    seed: int,
    eps: float | None = None,
    clusters: int | None = None,
    keep: Keep = "hard",
    lowest: bool | None = None,
    scores: Scores | None = None,
    given: Rows | None = None,
) -> Selection:
    """Drop every sample whose cosine with a better-ranked kept one of its cluster is at least 1 − eps.

    Samples are clustered by spherical k-means; in each cluster they are ranked by `keep`, and gone through
    from the best. What is dropped is no reason to drop others, so every dropped sample has a kept one within
    eps. With `k` instead of `eps`, only equal directions count as duplicates, and the k least redundant
    samples are returned: let r be the largest cosine of a sample to those better ranked in its cluster; the
    smallest r are kept. That is the published rule, at the threshold that leaves k. Time O(n·clusters·d)
    for k-means, then O(n·kept per cluster·d) in matrix products; memory O(n + clusters·d) and a few tiles.
    Gradients are clustered by a sketch of 512 numbers, but compared exactly.

    Good for crawled data, video frames and augmented copies, as a first step before any other method. Bad as
    the only method at small budgets, where it says nothing about which of the different samples matter. A
    pair across the border of two clusters is not compared: fewer clusters find more, and ``clusters=1`` all.

    Parameters
    ----------
    space
        n samples.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``, less the given samples; None keeps whatever is not a duplicate.
    seed
        Of the first centroids, of the ranks under ``keep=random``, and of the draw between equal values.
    eps
        In ``[0, 2]``: how far below 1 the cosine of duplicates may lie. Without `k`, default 0.01; together
        with `k`, at most k of what is left.
    clusters
        Number of clusters, at least 1; default such that one has 4,096 members or √(40·n), if that is more.
        Clusters of over 4 times the mean size (and 16,384) are split into clusters of mean size.
    keep
        Who ranks first: ``hard``, the farthest from the centroid; ``easy``, the nearest; ``middle``, those of
        middling distance; ``random``; or ``score``, those of the hardest score.
    lowest
        With ``keep=score``: low scores rank first. Default: the hard end, as the score says which that is;
        where nobody says, high ones.
    scores : (n,)
        For ``keep=score``.
    given
        Positions of samples that are chosen already: they rank first in their clusters, are never dropped,
        and are not returned.

    Returns
    -------
    Least redundant first; gains are 1 − r, in ``[0, 2]``, where r is the largest cosine to a better-ranked
    kept sample of the cluster, and −1 if there is none; ties by the hash of seed and key. Weights are 1.
    Facts: `eps`; `tied_at_cut`; `clusters` and how many were `split`; `duplicates`, how many were found; and
    `partners`, of every sample dropped for its redundancy (`rows`) the most similar better-ranked kept one
    (`of`), which, if k drops more than the duplicates, may be dropped itself. A sample without direction
    (norm zero) is a duplicate of nothing: its r is 0.

    Differs: the published code compares with all better-ranked samples, dropped or not, so chains of similar
    samples vanish but for their first; ours keeps one within eps of each. Ties in a cluster
    are by row, and of scores by the hash of seed and key.

    Raises
    ------
    OptionError
        `eps` or `clusters` is out of range, ``keep=score`` has no scores, or eps leaves fewer than k samples.
    ValueError
        k is not in ``[1, n − given]``, a given position is not in ``[0, n)``, or a score is not a number.

    References
    ----------
    Abbas, Tirumala, Simig, Ganguli & Morcos, "SemDeDup: Data-efficient learning at web-scale through semantic
    deduplication", 2023, arXiv:2303.09540.
    """
    from prune.index.balanced_clusters import parts
    from prune.index.duplicates import nearest_kept

    free, taken = free_rows(space.n, given, 1 if k is None else k)
    eps = EPS if eps is None and k is None else eps
    if not 0 <= (eps or 0.0) <= 2:
        raise OptionError(
            f"eps={eps} is not between 0 and 2", "eps=0.01 drops what has a cosine of 0.99 or more"
        )
    worth = worth_of(keep, get_args(Keep), scores, bool(lowest), space.n)
    count = _cluster_count(clusters, space.n)
    directions = space.under("cosine")
    alive = np.flatnonzero(directions.squared_norms() > 0)
    found = parts(directions.coordinates(), alive, count, _largest(count, space.n), seed=seed)
    late = np.isin(alive, taken, invert=True)
    key = worth[alive] if worth is not None else _key(keep, found, seed)
    lot = lots(keys, str(seed))
    tie = lot[alive] if worth is not None else np.arange(len(alive))
    groups = [alive[part] for part in _in_order(found.owner, late, key, tie)]
    fixed = np.bincount(found.owner, ~late).astype(np.int64).tolist()
    near = nearest_kept(directions, groups, fixed, SAME + 2 * (eps or 0.0))
    left = free if eps is None else free[near.kept[free]]
    if k is not None and k > len(left):
        raise OptionError(
            f"eps={eps} leaves {len(left)} of {len(free)} samples, fewer than the {k} to keep",
            f"--count {len(left)}, a smaller eps, or none: then the k least redundant are kept",
        )
    redundancy = _redundancy(near.squares, alive)
    rows = left[np.lexsort((lot[left], redundancy[left]))[:k]]
    dropped = np.setdiff1d(free, rows if eps is None else left)
    dropped = dropped[near.who[dropped] >= 0]
    facts = {
        "eps": eps,
        "clusters": len(groups),
        "split": found.split,
        "duplicates": len(free) - int(near.kept[free].sum()),
        **tied_at_cut(redundancy[left], np.searchsorted(left, rows)),
        CLUSTER_OF: {"rows": alive, "of": found.owner},
        "partners": {"rows": dropped, "of": near.who[dropped]},
    }
    return Selection.of(rows, gains=(1 - redundancy[rows]).astype(np.float32), facts=facts)


def plan_of_semdedup(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001 - as every plan
    """Return what clustering, and comparing inside clusters, need."""
    count = _cluster_count(options["clusters"], size.n)
    largest = min(size.n, _largest(count, size.n))
    needed, work = clustering(size, count)
    pairs = float(size.n) * min(largest, -(-size.n // count))
    if count == 1:
        why = f"all pairs of {size.n:,} samples, without a matrix of them"
    else:
        why = f"{size.n:,} samples in {count:,} clusters of at most {largest:,}, compared inside each"
    return Plan("tiled", why, needed + 48 * size.n + 8 * TILE * size.width, work + pairs * size.width)


def _cluster_count(clusters: int | None, n: int) -> int:
    if clusters is None:
        return -(-n // max(SMALL, round((WIDE * n) ** 0.5)))
    if clusters < 1:
        raise OptionError(f"clusters={clusters} is not at least 1")
    return min(clusters, n)


def _largest(count: int, n: int) -> int:
    return LARGE * max(SMALL, -(-n // count))


def worth_of(keep: str, choices: Sequence[str], scores: Scores | None, lowest: bool, n: int) -> Sums | None:
    """Return ranks by score, best first, where that is what is kept of duplicates.

    Raises
    ------
    OptionError
        `keep` is not one of the choices, or wants scores and there are none.
    """
    if keep not in choices:
        raise OptionError(f"keep={keep} is not one of {', '.join(choices)}")
    if keep != "score":
        return None
    if scores is None:
        raise OptionError("keep=score needs scores", "--score NAME")
    if len(scores) != n:
        raise ValueError(f"{len(scores)} scores, but {n} samples")
    require_numbers(scores, 1)
    return scores.astype(np.float64) if lowest else -scores.astype(np.float64)


def _key(keep: Keep, found: Parts, seed: int) -> Array:
    """Ranks by place in the cluster: the lowest come first."""
    if keep == "random":
        return np.random.default_rng(seed).permutation(len(found.owner))
    if keep == "middle":
        place, size = places(found.owner, found.squares)
        return np.abs(2 * place - (size - 1))
    return -found.squares if keep == "hard" else found.squares


def _in_order(owner: Array, late: Array, key: Array, tie: Array) -> list[Rows]:
    """Members of every cluster: those given, then by key, then by tie."""
    ends = np.cumsum(np.bincount(owner))
    return np.split(np.lexsort((tie, key, late, owner)), ends[:-1]) if len(ends) else []


def _redundancy(squares: Sums, alive: Rows) -> Sums:
    """The cosine to the nearest before it; −1 where there is none, 0 without a direction, 1 if the same."""
    cosines = np.zeros(len(squares), np.float64)
    cosines[alive] = 1 - np.minimum(squares[alive], 4) / 2
    cosines[squares <= SAME] = 1
    return cosines
