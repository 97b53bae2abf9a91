"""Facility location three ways: from embeddings, by the optimiser alone, and along a given graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from measure import Case, Program, installed
from reference.submodular import FacilityLocation, lazy

import prune
from kernels.data import clustered, directions, similarities

NEIGHBOURS = 64
APRICOT = "apricot lazy, less its compiling"
Solver = Callable[..., np.ndarray]


def facility_location(n: int, d: int) -> Case:
    """From embeddings to rows, similarities included for everyone, 10 %."""
    x, k = clustered(n, d), n // 10
    return Case(
        f"n={n} d={d} k={k}",
        {
            "prune": Program(lambda: prune.select_rows(x, method="facility_location", k=k).rows),
            **_peers(k, lambda peer, fixed: Program(lambda: peer(similarities(x)), fixed=fixed)),
        },
        lambda rows: coverage(x, rows),
        "Σ max s, high",
        operations=1.0 * n * n * d,  # each pair once
        traffic=7 * 4.0 * n * n,
    )


def facility_dense(n: int, d: int) -> Case:
    """The optimiser alone, every program holding all similarities before the clock starts, 10 %."""
    from prune.index.similarity import Similarity
    from prune.index.space import EmbeddingSpace
    from prune.optimizers.facility_dense import DenseFacility

    x, k = clustered(n, d), n // 10
    alike = similarities(x)
    return Case(
        f"n={n} k={k}, similarities given",
        {
            "prune": Program(
                lambda function: function.climb(k)[0],
                prepare=lambda: DenseFacility(Similarity(EmbeddingSpace(x))),
            ),
            **_peers(k, lambda peer, fixed: Program(lambda: peer(alike), fixed=fixed)),
        },
        lambda rows: coverage(x, rows),
        "Σ max s, high",
        traffic=7 * 4.0 * n * n,
    )


def facility_sparse(n: int, d: int) -> Case:
    """The optimiser alone along one graph of 64 neighbours, given to every program, 10 %."""
    from prune.index.graph import similarity_graph
    from prune.index.similarity import Similarity
    from prune.index.space import EmbeddingSpace
    from prune.optimizers.facility_sparse import facility_of_graph

    x, k = clustered(n, d), n // 10
    graph = similarity_graph(Similarity(EmbeddingSpace(x)), NEIGHBOURS)
    apricot, scipy = installed("apricot"), installed("scipy.sparse")
    values = graph.values.astype(np.float64)

    def by_apricot() -> np.ndarray:
        matrix = scipy.csr_matrix((values, graph.rows, graph.starts), shape=(n, n), copy=True)
        return apricot_rows(apricot.FacilityLocationSelection, k, matrix)

    return Case(
        f"n={n} k={k}, {len(values)} links given",
        {
            "prune": Program(lambda: facility_of_graph(graph).climb(k)[0]),
            APRICOT: Program(by_apricot, fixed=apricot_compiling) if apricot else None,
        },
        lambda rows: coverage(x, rows),
        "Σ max s over all pairs, high",
        traffic=2.0 * (graph.values.nbytes + graph.rows.nbytes),
    )


def coverage(x: np.ndarray, rows: np.ndarray) -> float:
    """Return Σᵢ max over rows of (1 + cos) / 2, in blocks."""
    unit = directions(x)
    chosen = unit[rows].T
    blocks = range(0, len(x), 2048)
    return float(sum(((unit[s : s + 2048] @ chosen).max(1).astype(np.float64) + 1).sum() / 2 for s in blocks))


def _peers(k: int, program: Callable[[Solver, Solver | None], Program]) -> dict[str, Program | None]:
    apricot, submodlib = installed("apricot"), installed("submodlib")

    def by_apricot(alike: np.ndarray) -> np.ndarray:
        return apricot_rows(apricot.FacilityLocationSelection, k, alike.astype(np.float64))

    def by_submodlib(alike: np.ndarray) -> np.ndarray:
        made = submodlib.FacilityLocationFunction(n=len(alike), mode="dense", sijs=alike, separate_rep=False)
        return maximised(made, k)

    return {
        APRICOT: program(by_apricot, apricot_compiling) if apricot else None,
        "submodlib lazy": program(by_submodlib, None) if submodlib else None,
        "DeepCore loop": program(lambda alike: lazy(FacilityLocation(alike), k), None),
    }


def apricot_compiling() -> np.ndarray:
    """Fit almost nothing: apricot compiles its loops at every fit, seconds that say nothing about them."""
    apricot = installed("apricot")
    return apricot_rows(apricot.FacilityLocationSelection, 2, np.eye(20))


def apricot_rows(kind: Any, k: int, matrix: Any, **more: Any) -> np.ndarray:
    """Return the rows that apricot takes, in order."""
    return np.asarray(kind(k, metric="precomputed", optimizer="lazy", **more).fit(matrix).ranking)


def maximised(function: Any, k: int, optimizer: str = "LazyGreedy") -> np.ndarray:
    """Return the rows that submodlib takes, in order."""
    taken = function.maximize(
        budget=k,
        optimizer=optimizer,
        stopIfZeroGain=False,
        stopIfNegativeGain=False,
        verbose=False,
        show_progress=False,
    )
    return np.array([row for row, _ in taken])
