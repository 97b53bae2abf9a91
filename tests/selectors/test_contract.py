"""What holds for every selector: exactly k distinct rows, the same twice, nothing written to, prefixes."""

from __future__ import annotations

import pkgutil
from typing import Any

import numpy as np
import pytest

import prune.selectors
from prune.index.space import EmbeddingSpace
from prune.methods import Method
from prune.selection import Selection
from prune.selectors import SELECTORS

N = 240
SUPPLIED = {"k", "seed"}


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _inputs(kind: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    scores = {
        "plain": rng.standard_normal(N),
        "ties": rng.integers(0, 3, N),
        "equal": np.ones(N),
    }[kind].astype(np.float32)
    rows = {
        "plain": rng.standard_normal((N, 7)),
        "ties": rng.integers(0, 2, (N, 3)),
        "equal": np.ones((N, 2)),
    }[kind].astype(np.float16)
    return {
        "scores": _frozen(scores),
        "space": EmbeddingSpace(_frozen(rows)),
        "keys": [f"class/{row:03}.png" for row in range(N)],
    }


def _run(method: Method, inputs: dict[str, Any], k: int) -> Selection:
    supplied = {name: value for name, value in {"k": k, "seed": 3}.items() if name in method.supplied}
    return method.function(*(inputs[name] for name in method.needs), **supplied)


every_selector = pytest.mark.parametrize("method", SELECTORS.values(), ids=SELECTORS)
every_input = pytest.mark.parametrize("kind", ["plain", "ties", "equal"])


@every_selector
@every_input
@pytest.mark.parametrize("k", [1, 2, 100, N - 1, N])
def test_exactly_k_distinct_rows_and_the_same_twice(method: Method, kind: str, k: int) -> None:
    one, two = (_run(method, _inputs(kind), k) for _ in range(2))
    assert len(np.unique(one.rows)) == len(one.rows) == len(one.weights) == len(one.gains) == k
    assert one.rows.min() >= 0
    assert one.rows.max() < N
    assert (one.rows.dtype, one.weights.dtype, one.gains.dtype) == (np.int64, np.float32, np.float32)
    assert np.isfinite(one.gains).all()
    assert (one.weights > 0).all()
    for attribute in ("rows", "weights", "gains"):
        assert np.array_equal(getattr(one, attribute), getattr(two, attribute))


@every_selector
@every_input
def test_smaller_budgets_are_prefixes_where_the_table_says_so(method: Method, kind: str) -> None:
    whole = _run(method, _inputs(kind), N).rows
    if method.nested:
        assert all(np.array_equal(_run(method, _inputs(kind), k).rows, whole[:k]) for k in (1, 17, 200))


@every_selector
def test_the_global_random_state_is_left_alone(method: Method) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    _run(method, _inputs("plain"), 20)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@every_selector
@pytest.mark.parametrize("k", [0, N + 1])
def test_a_budget_that_does_not_fit_is_refused_with_the_numbers(method: Method, k: int) -> None:
    with pytest.raises(ValueError, match=f"cannot keep {k} of {N} samples"):
        _run(method, _inputs("plain"), k)


@every_selector
def test_scores_that_are_not_numbers_are_refused(method: Method) -> None:
    if "scores" not in method.needs:
        pytest.skip("takes no scores")
    scores = np.ones(N, np.float32)
    scores[[5, 9]] = np.nan
    with pytest.raises(ValueError, match=r"2 of 240 scores are not numbers \(first in row 5\)"):
        _run(method, {"scores": scores}, 3)


@every_selector
def test_the_docstring_says_what_it_is_and_the_signature_what_it_needs(method: Method) -> None:
    assert method.summary.endswith(".")
    assert set(method.needs) <= {"space", "scores", "keys"}
    assert "k" in method.supplied
    assert set(method.supplied) <= SUPPLIED


def test_every_file_is_in_the_table() -> None:
    files = {module.name for module in pkgutil.iter_modules(prune.selectors.__path__)}
    assert files == {method.function.__module__.rpartition(".")[2] for method in SELECTORS.values()}
