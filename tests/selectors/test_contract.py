"""What holds for every selector: exactly k distinct rows, the same twice, nothing written to, prefixes."""

from __future__ import annotations

import functools
import json
import pkgutil
from typing import Any

import numpy as np
import pytest

import prune.selectors
from prune.core.errors import OptionError
from prune.core.method_rows import Selector
from prune.core.selection import Selection
from prune.index.gradients import GradientSpace, errors_of
from prune.index.resource_plan import Plan, size_of
from prune.index.space import EmbeddingSpace, Space
from prune.modalities.text.texts import Texts
from prune.selectors import SELECTORS

N = 240
SUPPLIED = {"k", "seed", "target"}
ONLY_GRADIENTS = {"glister"}
MEMORY = 2**28


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _rows(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    if kind == "plain":
        return rng.standard_normal((n, 7)).astype(np.float16)
    return (rng.integers(0, 2, (n, 3)) if kind == "ties" else np.ones((n, 2))).astype(np.float16)


def _probs(kind: str, rng: np.random.Generator, n: int) -> np.ndarray:
    if kind == "plain":
        logits = rng.standard_normal((n, 4))
        return (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float16)
    if kind == "ties":  # certain, as a network may be: the gradients of those that are right are zero
        return np.eye(4, dtype=np.float16)[rng.integers(0, 4, n)]
    return np.full((n, 4), 0.25, np.float16)


@functools.cache
def _texts(kind: str, n: int) -> Texts:
    """Texts of 120 words each, of three kinds where there are ties, a third of them with a word changed."""
    words = np.random.default_rng(2).integers(0, 400, (n, 120))
    kinds = np.arange(n) % {"plain": n, "ties": 3, "equal": 1}[kind]
    words = words[kinds]
    if kind == "plain":
        words[2::3] = words[1 : n - 1 : 3]
        words[2::3, 60] = 1000
    return Texts.of([" ".join(f"w{word}" for word in row) for row in words.tolist()], memory=MEMORY)


def _inputs(kind: str, on: str = "embeddings", n: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    scores = {
        "plain": np.abs(rng.standard_normal(n)),
        "ties": rng.integers(0, 3, n),
        "equal": np.ones(n),
    }[kind].astype(np.float32)
    rows, probs = _frozen(_rows(kind, rng, n)), _frozen(_probs(kind, rng, n))
    labels = rng.integers(0, 4, n) if kind != "equal" else np.zeros(n, np.int64)
    space: Space = EmbeddingSpace(rows, memory=MEMORY)
    if on == "gradients":
        space = GradientSpace(_frozen(errors_of(probs, labels)), rows, memory=MEMORY)
    keys = [f"class/{row:03}.png" for row in range(n)]
    easiness = _frozen(np.random.default_rng(1).random(n, np.float32))
    return {
        "scores": _frozen(scores),
        "easiness": easiness,
        "space": space,
        "keys": keys,
        "probs": probs,
        "texts": _texts(kind, n),
    }


def _run(method: Selector, inputs: dict[str, Any], k: int, **more: Any) -> Selection:
    target = inputs["texts" if "texts" in method.needs else "space"]
    known = {"k": k, "seed": 3, "target": target.subset(np.arange(0, target.n, 7))}
    supplied = {name: value for name, value in known.items() if name in method.supplied}
    return method.function(*(inputs[name] for name in method.needs), **supplied, **more)


def _spaces(method: Selector) -> list[str]:
    if "space" not in method.needs:
        return ["embeddings"]
    return ["gradients"] if method.name in ONLY_GRADIENTS else ["embeddings", "gradients"]


CASES = [(method, on) for method in SELECTORS.values() for on in _spaces(method)]
every_selector = pytest.mark.parametrize("method", SELECTORS.values(), ids=SELECTORS)
everywhere = pytest.mark.parametrize(("method", "on"), CASES, ids=[f"{m.name}-{on}" for m, on in CASES])
every_input = pytest.mark.parametrize("kind", ["plain", "ties", "equal"])


@everywhere
@every_input
def test_exactly_k_distinct_rows_and_the_same_twice(method: Selector, on: str, kind: str) -> None:
    for k in (1, 2, 100, N - 1, N):
        one, two = (_run(method, _inputs(kind, on), k) for _ in range(2))
        assert len(np.unique(one.rows)) == len(one.rows) == len(one.weights) == len(one.gains) == k
        assert one.rows.min() >= 0
        assert one.rows.max() < N
        assert (one.rows.dtype, one.weights.dtype, one.gains.dtype) == (np.int64, np.float32, np.float32)
        assert np.isfinite(one.gains).all()
        assert np.isfinite(one.weights).all()
        assert (one.weights > 0).all()
        assert json.loads(json.dumps(one.plain.facts, allow_nan=False)) == json.loads(
            json.dumps(two.plain.facts)
        )
        for attribute in ("rows", "weights", "gains"):
            assert np.array_equal(getattr(one, attribute), getattr(two, attribute))


@everywhere
@every_input
def test_smaller_budgets_are_prefixes_where_the_table_says_so(method: Selector, on: str, kind: str) -> None:
    if method.nested:
        whole = _run(method, _inputs(kind, on), N).rows
        assert all(np.array_equal(_run(method, _inputs(kind, on), k).rows, whole[:k]) for k in (1, 17, 200))


@everywhere
def test_a_single_sample_can_be_kept(method: Selector, on: str) -> None:
    assert _run(method, _inputs("plain", on, n=1), 1).rows.tolist() == [0]


@everywhere
def test_what_is_given_is_not_taken_again(method: Selector, on: str) -> None:
    if not method.takes("given"):
        pytest.skip("goes on from nothing")
    given = np.array([3, 17, 100])
    for k in (1, 40, N - 3):
        rows = _run(method, _inputs("plain", on), k, given=given).rows
        assert len(np.unique(rows)) == k
        assert not np.isin(given, rows).any()
    with pytest.raises(ValueError, match=f"cannot keep {N - 2} of {N - 3} samples"):
        _run(method, _inputs("plain", on), N - 2, given=given)


@every_selector
def test_the_global_random_state_is_left_alone(method: Selector) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    _run(method, _inputs("plain", _spaces(method)[-1]), 20)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@every_selector
@pytest.mark.parametrize("k", [0, N + 1])
def test_a_budget_that_does_not_fit_is_refused_with_the_numbers(method: Selector, k: int) -> None:
    with pytest.raises(ValueError, match=f"cannot keep {k} of {N} samples"):
        _run(method, _inputs("plain", _spaces(method)[-1]), k)


@every_selector
def test_scores_that_are_not_numbers_are_refused(method: Selector) -> None:
    if "scores" not in method.needs:
        pytest.skip("takes no scores")
    scores = np.ones(N, np.float32)
    scores[[5, 9]] = np.nan
    with pytest.raises(ValueError, match=r"2 of 240 scores are not numbers \(first in row 5\)"):
        _run(method, {**_inputs("plain"), "scores": scores}, 3)


@everywhere
def test_the_plan_is_known_before_and_grows_with_the_data(method: Selector, on: str) -> None:
    if method.plan is None:
        assert "space" not in method.needs, "whoever compares samples says what it costs"
        return
    space = _inputs("plain", on)["space"]
    small, large = (method.plan(size_of(space.subset(np.arange(n))), 20, method.options) for n in (60, N))
    assert isinstance(small, Plan)
    assert 0 <= small.bytes <= large.bytes <= MEMORY
    assert 0 < small.work <= large.work
    assert small.why


@pytest.mark.parametrize("method", [SELECTORS[name] for name in ONLY_GRADIENTS if name in SELECTORS])
def test_methods_for_gradients_say_so_elsewhere(method: Selector) -> None:
    with pytest.raises(OptionError) as caught:
        _run(method, _inputs("plain"), 3)
    assert "--on gradients" in caught.value.hint


@pytest.mark.parametrize(
    "method", [m for m in SELECTORS.values() if "scores" in m.needs], ids=lambda m: m.name
)
def test_a_method_takes_the_one_end_of_a_score_where_its_row_says_so(method: Selector) -> None:
    inputs, k = _inputs("plain"), 40
    order = np.argsort(inputs["scores"], kind="stable")
    ends = {"high": set(order[-k:].tolist()), "low": set(order[:k].tolist())}
    taken = set(_run(method, inputs, k).rows.tolist())
    assert next((end for end, rows in ends.items() if rows == taken), "") == method.takes_only


@pytest.mark.parametrize("method", [m for m in SELECTORS.values() if m.turned], ids=lambda m: m.name)
def test_what_turns_a_method_makes_it_prefer_low_scores(method: Selector) -> None:
    inputs, (option, value) = _inputs("plain"), method.turned.split(" ")
    other, words = (SELECTORS[value], {}) if option == "--method" else (method, method.parse([value]))
    scores = inputs["scores"]
    assert scores[_run(method, inputs, 40).rows].mean() > scores.mean()
    assert scores[_run(other, inputs, 40, **words).rows].mean() < scores.mean()


@every_selector
def test_the_docstring_says_what_it_is_and_the_signature_what_it_needs(method: Selector) -> None:
    assert method.summary.endswith(".")
    assert set(method.needs) <= {"space", "scores", "easiness", "keys", "probs", "texts"}
    assert "k" in method.supplied
    assert set(method.supplied) <= SUPPLIED


def test_every_file_is_in_the_table() -> None:
    files = {module.name for module in pkgutil.iter_modules(prune.selectors.__path__)}
    assert files - {"exhausted_gains", "coinciding"} == {
        method.function.__module__.rpartition(".")[2] for method in SELECTORS.values()
    }
