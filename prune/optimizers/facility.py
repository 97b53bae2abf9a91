"""Facility location: choose samples so that every sample has one that is like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.index.graph import similarity_graph
from prune.index.neighbours import nearest_to
from prune.index.resource_plan import size_of
from prune.index.similarity import Similarity
from prune.index.space import Sums
from prune.optimizers.engines import maximise
from prune.optimizers.facility_dense import DenseFacility
from prune.optimizers.facility_plan import SPARE, Ways, facility_plan, links_of, parts_of
from prune.optimizers.facility_sparse import SparseFacility, facility_of_graph, facility_of_neighbours


@dataclass(frozen=True)
class Located:
    """k samples, what each added to f, and how they were found."""

    rows: Rows  # (k,), in the order taken
    gains: Sums  # (k,) float64
    facts: Mapping[str, Any]


def locate(similarity: Similarity, k: int, ways: Ways, given: Rows, among: Rows | None = None) -> Located:
    """Maximise ``f(S) = Σᵢ max_{j∈S} sᵢⱼ`` by k greedy steps, in the mode that `facility_plan` says.

    Parameters
    ----------
    similarity
        Of n samples.
    k
        In ``[1, n − given]``.
    ways
        How.
    given
        Distinct samples in S from the start.
    among
        Samples that may be chosen; default: all.

    Raises
    ------
    OptionError
        The mode does not fit in memory, or ε is out of range.
    """
    if among is not None:
        return _of_candidates(similarity, among, k, ways, given)
    plan = facility_plan(size_of(similarity.space, given=len(given)), k, ways)
    if plan.mode == "partitioned":
        return _two_rounds(similarity, k, ways, given, plan.why)
    function: DenseFacility | SparseFacility
    facts: dict[str, Any] = {"mode": plan.mode, "why": plan.why}
    if plan.mode == "dense":
        function = DenseFacility(similarity, given)
    else:
        graph = similarity_graph(similarity, ways.neighbours, seed=ways.seed)
        facts |= {"neighbours": ways.neighbours, "search": graph.kind, "recall": graph.recall}
        function = facility_of_graph(graph, given)
    return _climbed(function, k, ways, given, facts)


def _climbed(
    function: DenseFacility | SparseFacility, k: int, ways: Ways, given: Rows, facts: dict[str, Any]
) -> Located:
    if ways.greedy == "lazy":
        rows, gains = function.climb(k)
    else:
        rows, gains = maximise(
            function, k, greedy=ways.greedy, seed=ways.seed, epsilon=ways.epsilon, taken=given
        )
    return Located(rows, gains, {**facts, "greedy": ways.greedy, "objective": function.value()})


def _two_rounds(similarity: Similarity, k: int, ways: Ways, given: Rows, why: str) -> Located:
    """Choose three times as many as wanted, part by part, and then among those for all samples."""
    n, space = similarity.n, similarity.space
    parts = parts_of(n, space.memory, ways.parts)
    order = np.random.default_rng(ways.seed).permutation(n)
    kept = [_of_part(similarity, np.sort(part), k, ways, given) for part in np.array_split(order, parts)]
    located = _of_candidates(similarity, np.concatenate(kept), k, ways, given)
    return replace(located, facts={**located.facts, "why": why, "parts": parts})


def _of_candidates(similarity: Similarity, among: Rows, k: int, ways: Ways, given: Rows) -> Located:
    """Choose among some for all samples, each linked to those of them that are nearest."""
    n, space = similarity.n, similarity.space
    candidates = np.union1d(among, given)
    count = min(links_of(n, space.memory, ways.neighbours), len(candidates))
    found = nearest_to(space, space.subset(candidates), count)
    chosen = np.searchsorted(candidates, given)
    function = facility_of_neighbours(similarity, found, len(candidates), chosen)
    facts = {
        "mode": "partitioned",
        "candidates": len(candidates),
        "neighbours": count,
        "search": found.kind,
        "recall": found.recall,
    }
    located = _climbed(function, k, ways, chosen, facts)
    return replace(located, rows=candidates[located.rows])


def _of_part(similarity: Similarity, part: Rows, k: int, ways: Ways, given: Rows) -> Rows:
    """Choose in one part, for its own samples; which are best does not depend on the scale of distances."""
    own = np.flatnonzero(np.isin(part, given, assume_unique=True))
    free = len(part) - len(own)
    if not free:
        return part[:0]
    wanted = min(-(-SPARE * k * free // (similarity.n - len(given))), k, free)  # over all parts k or more
    within = Similarity(similarity.space.subset(part), similarity.kind)
    inner = replace(ways, mode="auto", parts=None)
    plan = facility_plan(size_of(within.space), wanted, inner)
    if plan.mode == "partitioned":
        more = 2 * -(-similarity.n // len(part))
        raise OptionError(f"parts of {len(part):,} samples do not fit in memory", f"--set parts={more}")
    return part[locate(within, wanted, inner, own).rows]
