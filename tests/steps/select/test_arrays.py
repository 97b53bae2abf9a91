from __future__ import annotations

import inspect
import pydoc
from typing import Literal

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError
from prune.selectors import SELECTORS

X = np.array([[0.0], [0.1], [5.0], [9.0], [9.1]])
Y = np.array([0, 0, 0, 1, 1])


def test_kcenter_takes_one_from_each_far_group() -> None:
    chosen = prune.select_rows(X, method="kcenter", k=3)
    assert chosen.rows.tolist() == [2, 0, 4]  # nearest to the mean, 4.64; then the farthest, twice
    assert chosen.weights.tolist() == [1, 1, 1]
    assert (np.diff(chosen.gains) <= 0).all()


def test_scores_and_quotas_need_no_embedding() -> None:
    chosen = prune.select_rows(scores=np.array([5, 4, 3, 2, 1]), labels=Y, method="top", k=2, quota="equal")
    assert sorted(chosen.rows.tolist()) == [0, 3]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"X": X, "k": 6}, OptionError, "k must be from 1 to 5"),
        ({"X": X, "k": 2, "labels": Y[:3]}, ValueError, "arrays of one length"),
        ({"k": 2}, ValueError, "arrays of one length, not none"),
        ({"scores": Y, "k": 2}, ValueError, "kcenter needs space; X .or errors and features. was not given"),
        (
            {"X": X, "k": 2, "labels": np.array(list("aabbb")), "quota": "equal"},
            ValueError,
            "not whole numbers",
        ),
    ],
)
def test_arrays_that_do_not_fit(words: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        prune.select_rows(**words)


def test_beta_and_the_quota_by_error_work_on_arrays() -> None:
    words = {"scores": np.ones(8), "easiness": np.full(8, 0.5), "labels": np.repeat([0, 1], 4)}
    chosen = prune.select_rows(**words, method="beta", k=4, quota="drop", class_errors=[0.1, 0.3])
    assert np.bincount(words["labels"][chosen.rows]).tolist() == [1, 3]
    with pytest.raises(OptionError, match="class_errors=.c,. and quota='drop' go together"):
        prune.select_rows(**words, method="beta", k=4, quota="drop")
    with pytest.raises(ValueError, match="labels go up to 1, but there are errors of 1 classes"):
        prune.select_rows(**words, method="beta", k=4, quota="drop", class_errors=[0.1])
    with pytest.raises(ValueError, match="beta needs easiness; easiness was not given"):
        prune.select_rows(scores=np.ones(8), method="beta", k=4)


RNG = np.random.default_rng(0)
E, H = RNG.standard_normal((30, 3)).astype(np.float32), RNG.standard_normal((30, 4)).astype(np.float32)


def test_gradients_are_given_as_factors() -> None:
    formed = np.einsum("nc,nd->ncd", E, np.c_[H, np.ones(30)]).reshape(30, -1).astype(np.float32)
    chosen = prune.select_rows(errors=E, features=H, method="kcenter", k=12)
    assert chosen.rows.tolist() == prune.select_rows(formed, method="kcenter", k=12).rows.tolist()


def test_given_rows_count_and_are_not_returned() -> None:
    chosen = prune.select_rows(X, method="kcenter", k=2, given=[3, 0])
    assert chosen.rows.tolist() == [2, 4]  # 5 is farthest from 0 and 9; 9.1 is a float32 over 0.1 away


def test_the_quota_that_a_method_is_made_for_needs_labels() -> None:
    labels = np.repeat([0, 1, 2], 10)
    chosen = prune.select_rows(errors=E, features=H, labels=labels, method="craig", k=6)
    assert np.bincount(labels[chosen.rows]).tolist() == [2, 2, 2]
    assert chosen.weights.sum() == 30
    assert chosen.facts["groups"] == 3
    assert prune.select_rows(errors=E, features=H, method="craig", k=6).weights.sum() == 30


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"errors": E, "k": 2}, ValueError, r"errors=\(n, c\) and features=\(n, d\), both"),
        ({"X": H, "errors": E, "features": H, "k": 2}, ValueError, "two spaces; give one"),
        ({"X": X, "k": 2, "given": [7]}, OptionError, r"given rows span \[7, 7\]"),
        ({"X": X, "k": 2, "metrics": 1}, OptionError, "kcenter has no option 'metrics'"),
        ({"X": X, "k": 2, "metod": "top"}, TypeError, r"select_rows\(\) has no keyword 'metod'"),
        ({"X": X, "k": 2, "scoers": X[:, 0]}, OptionError, r"select_rows\(\) has no keyword 'scoers'"),
        ({"X": X, "k": 2, "target": X}, OptionError, "kcenter matches no target"),
        ({"X": X}, OptionError, "kcenter does not decide how many to keep; give k"),
        ({"X": X, "k": 2, "reweight": "both"}, OptionError, "--reweight both is not one of"),
        (
            {"errors": E, "features": H, "k": 2, "method": "gradmatch", "target": X},
            ValueError,
            "the target of gradients is a pair",
        ),
    ],
)
def test_words_that_do_not_fit(words: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        prune.select_rows(**words)


def test_help_shows_the_options_of_all_methods_with_their_types() -> None:
    shown = pydoc.plain(pydoc.render_doc(prune.select_rows))
    every = {name for method in SELECTORS.values() for name in method.options}
    parameters = inspect.signature(prune.select_rows).parameters
    assert every < set(parameters)
    assert "**options" not in shown
    assert parameters["metric"].annotation == Literal["euclidean", "cosine"] | None
    for name in every:
        assert (parameters[name].default, f"{name}: " in shown) == (None, True)


def test_an_option_of_none_is_what_the_method_has() -> None:
    plain = prune.select_rows(X, method="kcenter", k=3)
    assert prune.select_rows(X, method="kcenter", k=3, metric=None).rows.tolist() == plain.rows.tolist()
    with pytest.raises(OptionError, match="kcenter has no option 'metrik'"):
        prune.select_rows(X, method="kcenter", k=3, metrik="cosine")
