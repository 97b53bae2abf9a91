"""Facility location: every sample of the dataset has a kept one that is like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space
from prune.optimizers.facility_plan import Ways, facility_plan


def facility_location(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    similarity: Literal["cosine", "euclidean", "rbf"] = "cosine",
    mode: Literal["auto", "dense", "sparse", "partitioned"] = "auto",
    neighbours: int = 64,
    greedy: Literal["lazy", "naive", "stochastic"] = "lazy",
    epsilon: float = 0.1,
    parts: int | None = None,
    given: Rows | None = None,
    among: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = Σᵢ max_{j∈S} sᵢⱼ``: each sample taken adds most to how well all are represented.

    f is monotone and submodular, so that the greedy choice has at least ``1 − 1/e`` of the best value
    possible. Similarities are kept as multiples of 2⁻²⁷, which makes every sum exact: ``lazy`` takes the same
    samples as ``naive``, with the same gains, on any number of threads. Ties of different samples go to the
    lower row; of those that coincide the lowest hash of seed and key is taken.

    - ``dense``: all n² similarities in memory, while they take at most half of it. Time O(n²·width) for the
      similarities, each computed once, then about seven readings of them whatever k is; memory 4·n² bytes
    - ``sparse``: only pairs that are among the `neighbours` nearest of one another count, others have
      similarity 0. Time: the graph, then O(n·neighbours); memory O(n·neighbours)
    - ``partitioned``: random parts are searched one at a time and keep 3·k samples together; then k of these
      are chosen for all samples, each linked to the `neighbours` nearest of them. Time
      O(n²·width / parts + n·k·width), memory of one part

    Good for small subsets that should look like the whole: dense regions get more samples, outliers few.
    Works well from 1 % to 50 %, per class or over all. Bad at rare and difficult samples, which represent
    nobody but themselves: take `kcenter` to cover them, or a score to rank them. Blind to labels, unless the
    budget is split by `--quota`.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the search for neighbours where that is approximate, of random parts and of ``stochastic``.
    similarity
        ``cosine``: (1 + cos) / 2. ``euclidean``: 1 − distance / D, D at least the diameter. ``rbf``:
        exp(−distance² / (0.1 · mean squared distance)). All in ``[0, 1]``, 1 to oneself.
    mode
        ``auto`` is the first of ``dense``, ``sparse`` and ``partitioned`` that fits in memory.
    neighbours
        Links of each sample in ``sparse`` and ``partitioned``, at least 1. With 64 the value is within 10⁻⁴
        of that of all similarities.
    greedy
        ``lazy``: exact. ``naive``: exact too, the plain loop, for comparison. ``stochastic``: looks at
        ⌈(n/k)·ln(1/ε)⌉ random samples a step.
    epsilon
        Of ``stochastic``, in ``(0, 0.5]``.
    parts
        Of ``partitioned``; default: at least 2, as many as keep a part small.
    given
        Positions of samples that are in S from the start, and are not returned.
    among
        Positions that may be chosen, where not all may: the others are only what is to be represented.

    Returns
    -------
    Gains are what each sample added to f, which never rises with ``lazy``; in ``sparse`` and ``partitioned``
    f is that of the linked pairs. Once all others coincide with chosen samples, gains are 0 and rows ascend.
    Weights are 1. Facts: ``mode``, ``greedy``, ``objective``: f(S), given samples included, and of a graph
    ``neighbours``, ``search`` and ``recall``; ``why``, ``parts``, ``candidates``. A smaller budget is a
    prefix, except with ``stochastic``, and in ``partitioned``.

    Differs: gains are updated, not evaluated lazily, with the same result. Each part keeps its
    share of 3·k samples, at most k, since k may be a large part of n.

    Raises
    ------
    OptionError
        An option is out of range, or the mode does not fit in memory.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Nemhauser, Wolsey & Fisher, "An analysis of approximations for maximizing submodular set functions", Math.
    Program. 14, 1978.
    Wei, Iyer & Bilmes, "Submodularity in Data Subset Selection and Active Learning", ICML 2015.
    Mirzasoleiman et al., "Distributed Submodular Maximization", JMLR 2016, arXiv:1411.0541.
    """
    from prune.index.similarity import Similarity
    from prune.optimizers.facility import locate

    _, taken = free_rows(space.n, given, k)
    ways = Ways(mode=mode, neighbours=neighbours, greedy=greedy, epsilon=epsilon, parts=parts, seed=seed)
    found = locate(Similarity(space, similarity), k, ways, taken, among)
    return Selection.of(found.rows, gains=found.gains.astype("float32"), facts=found.facts)


def plan_of_facility_location(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `facility_location` needs: dense, sparse or partitioned, whichever fits first."""
    named = ("mode", "neighbours", "greedy", "epsilon", "parts")
    return facility_plan(size, k, Ways(**{name: options[name] for name in named if name in options}))
