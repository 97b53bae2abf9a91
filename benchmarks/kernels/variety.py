"""The rest of the submodular family, 10 %, beside the packages that have the function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from measure import Case, Program, installed
from reference.submodular import GraphCut, lazy

import prune
from kernels.data import clustered, directions, similarities
from kernels.submodular import APRICOT, apricot_rows, maximised

RIDGE = 0.01
SHARE = 0.1  # of its total likeness that saturates a sample
Solver = Callable[[np.ndarray, int], np.ndarray]  # (n, n) similarities, k -> rows


def graph_cut(n: int, d: int) -> Case:
    """2·Σ over all and S − Σ over pairs in S, both orders."""

    def value(alike: np.ndarray, rows: np.ndarray) -> float:
        pairs = alike[np.ix_(rows, rows)].sum(dtype=np.float64) - len(rows)
        return float(2 * alike[:, rows].sum(dtype=np.float64) - pairs)

    return _case(
        "graph_cut",
        (n, d),
        {
            APRICOT: _by_apricot("GraphCutSelection", alpha=2.0),
            "submodlib lazy": _by_submodlib("GraphCutFunction", "ggsijs", lambdaVal=0.5, separate_rep=False),
            "DeepCore loop": lambda alike, k: lazy(GraphCut(alike, 2.0, 1.0), k),
        },
        value,
        "2·Σ s to all − Σ s in pairs, high",
    )


def log_det(n: int, d: int) -> Case:
    """log det(s_S + 0.01·I)."""

    def value(alike: np.ndarray, rows: np.ndarray) -> float:
        kernel = alike[np.ix_(rows, rows)].astype(np.float64)
        return float(np.linalg.slogdet(kernel + RIDGE * np.eye(len(rows)))[1])

    peers = {"submodlib lazy": _by_submodlib("LogDeterminantFunction", lambdaVal=RIDGE)}
    return _case("log_det", (n, d), peers, value, "log det, high", ridge=RIDGE)


def disparity_min(n: int, d: int) -> Case:
    """The least distance; prune starts at the rim, submodlib with row 0."""

    def value(alike: np.ndarray, rows: np.ndarray) -> float:
        pairs = alike[np.ix_(rows, rows)]
        np.fill_diagonal(pairs, 0)
        return float(1 - pairs.max())

    peers = {"submodlib naive": _by_submodlib("DisparityMinFunction", optimizer="NaiveGreedy")}
    return _case("disparity_min", (n, d), peers, value, "least (1 − cos) / 2, high")


def disparity_sum(n: int, d: int) -> Case:
    """The sum of distances; prune starts at the rim, submodlib with row 0."""

    def value(alike: np.ndarray, rows: np.ndarray) -> float:
        pairs = alike[np.ix_(rows, rows)]
        return float((1 - pairs).sum(dtype=np.float64) / 2)

    peers = {"submodlib naive": _by_submodlib("DisparitySumFunction", optimizer="NaiveGreedy")}
    return _case("disparity_sum", (n, d), peers, value, "Σ (1 − cos) / 2, high")


def saturated_coverage(n: int, d: int) -> Case:
    """Likeness to the chosen, up to a tenth of the likeness to all."""

    def value(alike: np.ndarray, rows: np.ndarray) -> float:
        enough = SHARE * alike.sum(1, dtype=np.float64)
        return float(np.minimum(alike[:, rows].sum(1, dtype=np.float64), enough).sum())

    peers = {APRICOT: _by_apricot("SaturatedCoverageSelection", alpha=SHARE)}
    aim = "Σ min(Σ s, 0.1 Σ s to all), high"
    return _case("saturated_coverage", (n, d), peers, value, aim, alpha=SHARE, mode="dense")


def sum_redundancy(n: int, d: int) -> Case:
    """As unlike each other as can be; prune starts at the rim."""

    def value(alike: np.ndarray, rows: np.ndarray) -> float:
        return float(alike[np.ix_(rows, rows)].sum(dtype=np.float64))

    peers = {APRICOT: _by_apricot("SumRedundancySelection")}
    return _case("sum_redundancy", (n, d), peers, value, "Σ s in pairs, low")


def feature_based(n: int, d: int) -> Case:
    """Σ √ of how much there is of every coordinate."""
    x, k = np.maximum(clustered(n, d), 0), n // 10
    apricot = installed("apricot")

    def by_apricot(x: np.ndarray, k: int) -> np.ndarray:
        function = apricot.FeatureBasedSelection(k, concave_func="sqrt", optimizer="lazy")
        return np.asarray(function.fit(x).ranking)

    return Case(
        f"n={n} d={d} k={k}",
        {
            "prune": Program(lambda: prune.select_rows(x, method="feature_based", k=k).rows),
            APRICOT: Program(lambda: by_apricot(x, k), fixed=lambda: by_apricot(x[:20], 2))
            if apricot
            else None,
        },
        lambda rows: float(np.sqrt(x[rows].sum(0, dtype=np.float64)).sum()),
        "Σ √, high",
        traffic=4.0 * n * d,
    )


def _case(
    method: str,
    size: tuple[int, int],
    peers: dict[str, Solver | None],
    value: Callable[[np.ndarray, np.ndarray], float],
    aim: str,
    **options: Any,
) -> Case:
    n, d = size
    x, k = clustered(n, d), n // 10
    programs: dict[str, Program | None] = {
        "prune": Program(lambda: prune.select_rows(x, method=method, k=k, **options).rows)
    }
    for name, solver in peers.items():
        programs[name] = None if solver is None else _program(solver, x, k, compiling=name == APRICOT)
    everything = similarities(directions(x).astype(np.float64))
    return Case(
        f"n={n} d={d} k={k}",
        programs,
        lambda rows: value(everything, rows),
        aim,
        operations=1.0 * n * n * d if method == "saturated_coverage" else 2.0 * n * k * d,
    )


def _program(solver: Solver, x: np.ndarray, k: int, *, compiling: bool) -> Program:
    fixed = (lambda: solver(np.eye(20), 2)) if compiling else None
    return Program(lambda: solver(similarities(x), k), fixed=fixed)


def _by_apricot(function: str, **options: Any) -> Solver | None:
    apricot = installed("apricot")
    if apricot is None:
        return None
    return lambda alike, k: apricot_rows(getattr(apricot, function), k, alike.astype(np.float64), **options)


def _by_submodlib(
    function: str, kernel: str = "sijs", *, optimizer: str = "LazyGreedy", **options: Any
) -> Solver | None:
    submodlib = installed("submodlib")
    if submodlib is None:
        return None

    def solve(alike: np.ndarray, k: int) -> np.ndarray:
        made = getattr(submodlib, function)(n=len(alike), mode="dense", **{kernel: alike}, **options)
        return maximised(made, k, optimizer)

    return solve
