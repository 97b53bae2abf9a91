"""Every set function against its definition over explicit matrices: order, gains, given, engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.gradients import GradientSpace
from prune.index.resource_plan import Size
from prune.index.search import EDGE, FOUND
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace, Space
from prune.optimizers.log_determinant import PairVolume
from prune.selectors.disparity_sum import disparity_sum
from prune.selectors.feature_based import feature_based
from prune.selectors.graph_cut import graph_cut
from prune.selectors.log_det import log_det
from prune.selectors.saturated_coverage import plan_of_saturated_coverage, saturated_coverage
from prune.selectors.sum_redundancy import sum_redundancy

N = 60
Value = Callable[[list[int]], float]


def _matrix(kind: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, 6)) + 0.4
    if kind == "zeros and duplicates":
        x[10:20] = x[:10]
        x[[5, 30]] = 0
    return x.astype(np.float32)


def _similarities(x: np.ndarray, kind: str) -> np.ndarray:
    x = x.astype(np.float64)
    if kind == "cosine":
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        unit = x / np.where(norms > 0, norms, 1)
        s = (1 + unit @ unit.T) / 2
    else:
        squares = ((x[:, None] - x) ** 2).sum(-1)
        if kind == "rbf":
            s = np.exp(-squares / (0.1 * squares.mean()))
        else:
            s = 1 - np.sqrt(squares) / (2 * np.linalg.norm(x - x.mean(0), axis=1).max())
    np.fill_diagonal(s, 1)
    return s


def _distances(x: np.ndarray, metric: str) -> np.ndarray:
    if metric == "cosine":
        return 2 - 2 * _similarities(x, "cosine")
    return np.linalg.norm(x[:, None].astype(np.float64) - x, axis=-1)


def _graph_cut(x: np.ndarray, similarity: str = "cosine", lam: float = 2.0) -> Value:
    s = _similarities(x, similarity)
    return lambda S: lam * s[:, S].sum() - s[np.ix_(S, S)].sum() + len(S)


def _sum_redundancy(x: np.ndarray, similarity: str = "cosine") -> Value:
    s = _similarities(x, similarity)
    return lambda S: s.sum() - s[np.ix_(S, S)].sum()


def _disparity_sum(x: np.ndarray, metric: str = "cosine") -> Value:
    d = _distances(x, metric)
    return lambda S: d[np.ix_(S, S)].sum() / 2


def _saturated_coverage(x: np.ndarray, similarity: str = "cosine", alpha: float = 0.1) -> Value:
    s = _similarities(x, similarity)
    return lambda S: float(np.minimum(s[:, S].sum(1), alpha * s.sum(1)).sum())


def _log_det(x: np.ndarray, similarity: str = "cosine", ridge: float = 0.01) -> Value:
    s = _similarities(x, similarity)
    return lambda S: float(np.linalg.slogdet(s[np.ix_(S, S)] + ridge * np.eye(len(S)))[1]) if S else 0.0


def _feature_based(x: np.ndarray, concave: str = "sqrt", negative: str = "split", **_: Any) -> Value:
    x = x.astype(np.float64)
    x = np.hstack([np.maximum(x, 0), np.maximum(-x, 0)]) if negative == "split" else np.maximum(x, 0)
    phi = {"sqrt": np.sqrt, "log": np.log1p, "saturated": lambda a: np.minimum(a, 0.1 * x.sum(0))}[concave]
    return lambda S: float(phi(x[S].sum(0)).sum())


FUNCTIONS = [
    (graph_cut, _graph_cut, {}),
    (graph_cut, _graph_cut, {"lam": 0.5}),
    (graph_cut, _graph_cut, {"similarity": "rbf"}),
    (graph_cut, _graph_cut, {"similarity": "euclidean", "lam": 1.0}),
    (sum_redundancy, _sum_redundancy, {}),
    (sum_redundancy, _sum_redundancy, {"similarity": "euclidean"}),
    (disparity_sum, _disparity_sum, {}),
    (disparity_sum, _disparity_sum, {"metric": "euclidean"}),
    (saturated_coverage, _saturated_coverage, {}),
    (saturated_coverage, _saturated_coverage, {"similarity": "rbf", "alpha": 0.5}),
    (log_det, _log_det, {}),
    (log_det, _log_det, {"similarity": "rbf", "ridge": 0.1}),
    (feature_based, _feature_based, {}),
    (feature_based, _feature_based, {"concave": "log", "negative": "clip"}),
    (feature_based, _feature_based, {"concave": "saturated"}),
]
IDS = ["-".join([f.__name__, *map(str, options.values())]) for f, _, options in FUNCTIONS]
every_function = pytest.mark.parametrize(("select", "definition", "options"), FUNCTIONS, ids=IDS)


def _best(value: Value, chosen: list[int]) -> float:
    return max(value([*chosen, j]) - value(chosen) for j in set(range(N)) - set(chosen))


@every_function
@pytest.mark.parametrize("kind", ["plain", "zeros and duplicates"])
def test_each_sample_taken_is_the_best_and_gains_are_differences(
    select: Any, definition: Any, options: dict[str, Any], kind: str
) -> None:
    x = _matrix(kind, seed=len(options) + 1)
    value = definition(x, **options)
    for given in ([], [4, 7, 33]):
        found = select(EmbeddingSpace(x), k=30, seed=0, given=np.array(given, np.int64), **options)
        chosen = list(given)
        for step, (row, gain) in enumerate(zip(found.rows.tolist(), found.gains.tolist(), strict=True)):
            most = _best(value, chosen)
            own = value([*chosen, row]) - value(chosen)
            assert gain == pytest.approx(own, abs=2e-4, rel=1e-5)
            free_start = step == 0 and not given and select in (sum_redundancy, disparity_sum)
            assert free_start or own >= most - 2e-5
            chosen.append(row)


@every_function
@pytest.mark.parametrize("kind", ["plain", "zeros and duplicates"])
@pytest.mark.parametrize("seed", [0, 1])
def test_lazy_is_naive(select: Any, definition: Any, options: dict[str, Any], kind: str, seed: int) -> None:
    space = EmbeddingSpace(_matrix(kind, seed))
    lazy, naive = (select(space, k=40, seed=0, greedy=greedy, **options) for greedy in ("lazy", "naive"))
    assert lazy.rows.tolist() == naive.rows.tolist()
    np.testing.assert_allclose(lazy.gains, naive.gains, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    ("select", "options", "tolerance"),
    [
        (graph_cut, {}, 1e-3),
        (graph_cut, {"similarity": "rbf"}, 1e-3),
        (sum_redundancy, {}, 1e-4),
        (disparity_sum, {"metric": "euclidean"}, 1e-2),
        (saturated_coverage, {}, 1e-3),
        (log_det, {}, 1e-3),
        (log_det, {"similarity": "rbf"}, 1e-3),
    ],
)
def test_gradients_are_chosen_like_the_products_they_stand_for(
    select: Any, options: dict[str, Any], tolerance: float
) -> None:
    rng = np.random.default_rng(5)
    e, h = rng.standard_normal((N, 3)).astype(np.float32), rng.standard_normal((N, 4)).astype(np.float32)
    explicit = np.einsum("nc,nd->ncd", e, np.hstack([h, np.ones((N, 1), np.float32)])).reshape(N, -1)
    spaces: list[Space] = [GradientSpace(e, h), EmbeddingSpace(explicit)]
    one, two = (select(space, k=25, seed=0, **options) for space in spaces)
    assert one.rows.tolist() == two.rows.tolist()
    np.testing.assert_allclose(one.gains, two.gains, atol=tolerance)


@every_function
def test_stochastic_is_far_above_random(select: Any, definition: Any, options: dict[str, Any]) -> None:
    x = _matrix("plain", seed=9)
    value = definition(x, **options)
    rng = np.random.default_rng(0)
    random = [value(rng.choice(N, 5, replace=False).tolist()) for _ in range(50)]
    best = value(select(EmbeddingSpace(x), k=5, seed=0, **options).rows.tolist())
    for seed in range(3):
        found = select(EmbeddingSpace(x), k=5, seed=seed, greedy="stochastic", **options)
        assert len(np.unique(found.rows)) == 5
        assert value(found.rows.tolist()) > np.mean(random) + 0.5 * (best - np.mean(random))


def test_the_plan_of_saturated_coverage_is_that_of_the_search() -> None:
    size = Size(n=1_000_000, width=512, memory=16 << 30)
    plan = plan_of_saturated_coverage(size, 1000, {"neighbours": 64})
    assert "ivf search" in plan.why
    assert plan.bytes >= (FOUND + EDGE) * size.n * 64
    assert plan.work < float(size.n) ** 2 * size.width / 10
    with pytest.raises(OptionError, match=r"mode=sparse needs [\d.]+ [MG]B for 1,000,000 samples"):
        plan_of_saturated_coverage(replace(size, memory=2 << 30), 1000, {})


@pytest.mark.parametrize("similarity", ["cosine", "rbf"])
def test_approximate_takes_nearly_the_best_and_ends_where_gains_are_negative(similarity: Any) -> None:
    space = EmbeddingSpace(_matrix("plain", seed=4))
    found = log_det(space, k=N, seed=0, similarity=similarity, greedy="approximate", epsilon=0.2)
    assert (found.gains < 0).any()
    function = PairVolume(Similarity(space, similarity), 0.01, N, np.empty(0, np.int64))
    left = np.arange(N)
    for row, gain in zip(found.rows.tolist(), found.gains.tolist(), strict=True):
        most = float(function.gains(left).max())
        assert gain >= most - 0.2 * abs(most) - 1e-4
        function.add(row)
        left = left[left != row]


def test_graph_cut_is_monotone_from_two_up_and_the_reciprocal_convention_agrees() -> None:
    x = _matrix("plain", seed=6)
    assert (graph_cut(EmbeddingSpace(x), k=N, seed=0).gains >= 0).all()
    s = _similarities(x, "cosine")
    theirs, chosen = 0.25, []  # λ′ of Σ_V Σ_S s − λ′ Σ_S Σ_S s is 1 / λ
    for _ in range(10):
        gains = s.sum(0) - theirs * (2 * s[:, chosen].sum(1) + 1)
        gains[chosen] = -np.inf
        chosen.append(int(gains.argmax()))
    assert graph_cut(EmbeddingSpace(x), k=10, seed=0, lam=1 / theirs).rows.tolist() == chosen


def test_saturated_coverage_counts_links_only_where_pairs_do_not_fit() -> None:
    x = _matrix("plain", seed=7)
    space = EmbeddingSpace(x, memory=2**28)
    whole = saturated_coverage(space, k=10, seed=0, mode="dense")
    linked = saturated_coverage(space, k=10, seed=0, mode="sparse", neighbours=N)
    assert linked.facts["mode"] == "sparse"
    assert linked.rows.tolist() == whole.rows.tolist()
    few = saturated_coverage(space, k=10, seed=0, mode="sparse", neighbours=5)
    assert 0 < few.facts["objective"] <= few.facts["most"] < whole.facts["most"]
    tight = EmbeddingSpace(np.ones((5000, 2), np.float32), memory=2**26)
    with pytest.raises(OptionError, match=r"mode=dense needs [\d.]+ [MG]B for 5,000 samples"):
        saturated_coverage(tight, k=1, seed=0, mode="dense")


@pytest.mark.parametrize(
    ("select", "options", "message"),
    [
        (graph_cut, {"lam": -1.0}, "lam=-1 is not a number from 0 up"),
        (graph_cut, {"greedy": "stochastic", "epsilon": 0.9}, r"epsilon=0.9 is not in \(0, 0.5\]"),
        (disparity_sum, {"greedy": "stochastic", "epsilon": 0.0}, r"epsilon=0 is not in \(0, 0.5\]"),
        (saturated_coverage, {"alpha": 0.0}, r"alpha=0 is not in \(0, 1\]"),
        (saturated_coverage, {"neighbours": 0}, "neighbours=0 is not at least 1"),
        (log_det, {"ridge": 1e-6}, "ridge=1e-06 is not at least 0.0001"),
        (feature_based, {"saturation": 2.0}, r"saturation=2 is not in \(0, 1\]"),
        (feature_based, {"negative": "refuse"}, "coordinate 1 of row 2 is -3, and negative=refuse"),
    ],
)
def test_what_makes_no_sense_is_refused(select: Any, options: dict[str, Any], message: str) -> None:
    x = np.ones((4, 3), np.float32)
    x[2, 1] = -3
    with pytest.raises(OptionError, match=message):
        select(EmbeddingSpace(x), k=2, seed=0, **options)


def test_the_matrix_of_the_chosen_must_fit() -> None:
    with pytest.raises(OptionError, match="log_det needs .* MB for 4,000 samples"):
        log_det(
            EmbeddingSpace(np.ones((4000, 2), np.float32), memory=2**26), k=4000, seed=0, similarity="rbf"
        )
