"""Where the samples lie does not matter: a mean a thousand times the spread changes no row and no score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import prune
from prune.index.space import EmbeddingSpace
from prune.scorers import SCORERS

N, K = 240, 70
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, N)
NEAR = RNG.standard_normal((4, 12))[LABELS] + RNG.standard_normal((N, 12))
NEAR = (np.round(NEAR * 512) / 512).astype(np.float32)  # exact in float32 when moved by a thousand
FAR = [NEAR + np.float32(off) for off in (100, 1000)]
METHODS: list[tuple[str, dict[str, Any]]] = [
    ("kcenter", {}),
    ("herding", {}),
    ("d2", {"scores": np.abs(NEAR[:, 0])}),
    ("gio", {}),
    ("craig", {}),
    ("zcore", {}),
    ("log_det", {"similarity": "rbf"}),
    ("random", {"reweight": "cluster"}),
    ("facility_location", {"similarity": "euclidean", "mode": "sparse"}),
    *((name, {"metric": "euclidean"}) for name in ("kmeans", "prototypes", "disparity_min", "disparity_sum")),
    ("prototypes", {"metric": "euclidean", "keep": "far"}),
    *(
        (name, {"similarity": kind})
        for name in ("facility_location", "graph_cut", "sum_redundancy", "saturated_coverage")
        for kind in ("euclidean", "rbf")
    ),
]


@pytest.mark.parametrize(("method", "options"), METHODS, ids=lambda value: str(value)[:40])
def test_moving_all_samples_changes_nothing(method: str, options: dict[str, Any]) -> None:
    near, *far = (prune.select_rows(x, method=method, k=K, seed=3, **options) for x in (NEAR, *FAR))
    for moved in far:
        assert moved.rows.tolist() == near.rows.tolist()
        assert moved.weights == pytest.approx(near.weights, rel=1e-4)
        # what the first brings may be counted from the origin
        assert moved.gains[1:] == pytest.approx(
            near.gains[1:], abs=1e-4 * float(np.abs(near.gains[1:]).max())
        )


@pytest.mark.parametrize("name", ["class_median", "prototype", "cal"])
def test_moving_all_samples_changes_no_score(name: str) -> None:
    probs = np.random.default_rng(1).dirichlet(np.ones(4), N).astype(np.float32)
    positional = {"class_median": (LABELS,), "cal": (probs,)}.get(name, ())
    supplied = {"prototype": {"classes": 4, "seed": 1}, "cal": {"seed": 1}}.get(name, {})
    near, *far = (
        SCORERS[name].function(EmbeddingSpace(x), *positional, metric="euclidean", **supplied)
        for x in (NEAR, *FAR)
    )
    for moved in far:
        assert moved == pytest.approx(near, rel=1e-5, abs=1e-6)


def _plain(method: str, y: np.ndarray) -> list[int]:
    """Run the loop on squared distances of directions, which have digits where cosines near 1 have none."""
    squares = ((y[:, None] - y) ** 2).sum(2)
    middle = ((y - y.mean(0)) ** 2).sum(1)
    start = {"kcenter": [int(middle.argmin())], "graph_cut": [], "facility_location": []}
    chosen = start.get(method, [int(middle.argmax())])
    nearest = squares[chosen].min(0) if chosen else np.full(len(y), 4.0)
    while len(chosen) < K:
        if method == "graph_cut":
            gains = squares[chosen].sum(0) / 2 - squares.sum(0) / 2
        elif method == "facility_location":
            gains = np.maximum(nearest - squares, 0).sum(1)
        else:
            gains = squares[chosen].sum(0) if "sum" in method else nearest.copy()
        gains[chosen] = -np.inf
        chosen.append(int(gains.argmax()))
        nearest = np.minimum(nearest, squares[chosen[-1]])
    return chosen


@pytest.mark.parametrize("off", [0, 100, 1000])
@pytest.mark.parametrize(
    "method", ["kcenter", "graph_cut", "sum_redundancy", "disparity_sum", "facility_location"]
)
def test_cosines_that_are_all_near_one_are_told_apart(method: str, off: int) -> None:
    x = NEAR + np.float32(off)
    y = x.astype(np.float64)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    options = {"metric": "cosine"} if method == "kcenter" else {}
    found = prune.select_rows(x, method=method, k=K, **options)
    assert found.rows.tolist() == _plain(method, y)
