"""Saturated coverage: every sample is covered up to a share, and what goes beyond it does not count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.safe_text import size as amount
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size, size_of
from prune.index.search import EDGE, FOUND, search_of
from prune.index.space import Space
from prune.optimizers.function import QUEUE

SAMPLE = QUEUE + 32  # bytes per sample


def saturated_coverage(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    similarity: Literal["cosine", "euclidean", "rbf"] = "cosine",
    alpha: float = 0.1,
    mode: Literal["auto", "dense", "sparse"] = "auto",
    neighbours: int = 64,
    greedy: Literal["lazy", "naive", "stochastic", "approximate"] = "lazy",
    epsilon: float = 0.1,
    given: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = Σᵢ min(Σ_{j∈S} sᵢⱼ, α·Σ_{j∈V} sᵢⱼ)``: likeness to the kept, up to a share.

    f is monotone and submodular, and the greedy choice has at least ``1 − 1/e`` of the best value possible.
    ``lazy`` takes the samples of the plain loop with its gains; ties of different samples go to the lower
    row, of those that coincide to the lowest hash of seed and key. With k about α·n all samples are just
    about saturated; from then on gains are near zero.

    - ``dense``: all n² similarities in memory, while they take at most half of it. Time O(n²·width), then
      O(n) for each sample looked at; memory 4·n² bytes
    - ``sparse``: only pairs that are among the `neighbours` nearest of one another count, in both sums. Time:
      the graph, O(n²·width) up to about a minute of work and O(n^1.5·width) beyond, then O(neighbours) for
      each sample looked at; memory O(n·neighbours)

    Good for redundancy in moderation: a dense region gets its share of the budget and not more, unlike in
    `graph_cut`, and several samples may serve one region, unlike in `facility_location`. Bad at large n with
    the whole sum: similarities that are all alike, as cosines in high dimensions are, leave it little to
    tell; ``sparse`` or ``rbf`` are sharper. Choose α near k / n.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the search for neighbours where that is approximate, and of ``stochastic``.
    similarity
        ``cosine``: (1 + cos) / 2. ``euclidean``: 1 − distance / D, D at least the diameter. ``rbf``:
        exp(−distance² / (0.1 · mean squared distance)). All in ``[0, 1]``, 1 to oneself.
    alpha
        In ``(0, 1]``: the share of its likeness to all with which a sample is content.
    mode
        ``auto`` is ``dense`` where that fits in memory.
    neighbours
        Links of each sample in ``sparse``, at least 1.
    greedy
        ``lazy`` and ``naive``: exact. ``stochastic``: the best of ⌈(n/k)·ln(1/ε)⌉ random samples a step.
        ``approximate``: takes a sample that has 1 − ε of the largest bound.
    epsilon
        Of ``stochastic`` and ``approximate``, in ``(0, 0.5]``.
    given
        Positions of samples that are in S from the start, and are not returned.

    Returns
    -------
    Gains are what each sample added to f, at least 0. Weights are 1. Facts: ``mode``, ``why``, ``greedy``,
    ``objective``: f(S), given samples included, ``most``: f of all samples, and of a graph ``neighbours``,
    ``search`` and ``recall``. A smaller budget is a prefix, except with
    ``stochastic``.

    Raises
    ------
    OptionError
        An option is out of range, or the mode does not fit in memory.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Lin & Bilmes, "A Class of Submodular Functions for Document Summarization", ACL 2011.
    """
    from prune.index.graph import similarity_graph
    from prune.index.similarity import Similarity
    from prune.optimizers.engines import maximise
    from prune.optimizers.saturated_coverage import SaturatedCoverage

    _, taken = free_rows(space.n, given, k)
    if not 0 < alpha <= 1:
        raise OptionError(f"alpha={alpha:g} is not in (0, 1]", "--set alpha=0.1")
    plan = plan_of_saturated_coverage(
        size_of(space, len(taken)), k, {"mode": mode, "neighbours": neighbours, "greedy": greedy}
    )
    alike = Similarity(space, similarity)
    facts: dict[str, Any] = {"mode": plan.mode, "why": plan.why, "greedy": greedy}
    if plan.mode == "dense":
        function = SaturatedCoverage.dense(alike, alpha, taken)
    else:
        graph = similarity_graph(alike, neighbours, seed=seed)
        facts |= {"neighbours": neighbours, "search": graph.kind, "recall": graph.recall}
        function = SaturatedCoverage.sparse(graph, alpha, taken)
    rows, gains = maximise(function, k, greedy=greedy, seed=seed, epsilon=epsilon, taken=taken)
    facts |= {"objective": function.value(), "most": function.whole}
    return Selection.of(rows, gains=gains.astype(np.float32), facts=facts)


def plan_of_saturated_coverage(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `saturated_coverage` needs: all pairs while they fit in half of the memory, else a graph.

    Raises
    ------
    OptionError
        `neighbours` is below 1, or the mode that is asked for does not fit in memory.
    """
    n, mode, neighbours = size.n, options.get("mode", "auto"), int(options.get("neighbours", 64))
    if neighbours < 1:
        raise OptionError(f"neighbours={neighbours} is not at least 1", "--set neighbours=64")
    looks = float(n) * (k if options.get("greedy") == "naive" else 1) + 200.0 * k
    held = 4 * n * n + 16 * min(n, 2048) ** 2 + SAMPLE * n
    if mode == "dense" or (mode == "auto" and held <= size.memory // 2):
        plan = Plan(
            "dense", f"{n:,} × {n:,} similarities are {amount(held)}", held, n * (n * size.width + looks)
        )
    else:
        links = min(neighbours, n)
        search = search_of(size, links)
        why = f"{n:,} × {n:,} similarities would be {amount(held)}; {search.kind} search: {search.why}"
        held = max(search.bytes, (FOUND + EDGE) * n * links) + SAMPLE * n
        plan = Plan("sparse", why, held, search.work + looks * 2 * links)
    if plan.bytes > size.memory:
        raise OptionError(
            f"mode={plan.mode} needs {amount(plan.bytes)} for {n:,} samples, and may use "
            f"{amount(size.memory)}",
            "a larger --max-memory, or fewer neighbours",
        )
    return plan
