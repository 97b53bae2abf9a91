"""What is known to fail is said with its figure; all else passes without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.scorers import SCORERS
from prune.selectors import SELECTORS
from prune.steps.select.pitfalls import RankedBy, cautions, cautions_of_classes

EVEN = np.repeat([0, 1], 500)


def _said(**choice: Any) -> list[str]:
    usual = {"method": "top", "score": "el2n", "high": "hard", "kept": 0.1, "labels": EVEN, "quota": "none"}
    words = {**usual, **choice}
    method, score, high = words.pop("method"), words.pop("score"), words.pop("high")
    by = None if score is None else RankedBy(score, high, SCORERS.get(score))
    return cautions(selector=SELECTORS[method], by=by, **words)


@pytest.mark.parametrize(
    ("method", "high"), [("top", "hard"), ("bottom", "easy"), ("top", "hard and uncertain")]
)
def test_hardest_first_below_a_third(method: str, high: str) -> None:
    (warning,) = _said(method=method, high=high, score="s")
    assert warning.startswith(f"{method} by s keeps the hardest 10 % of the samples")
    assert "34.03 %" in warning
    assert "arXiv:2210.15809" in warning


def test_a_score_that_is_the_input_norm() -> None:
    (warning,) = _said(method="gumbel", score="input_norm", high="")
    assert "epoch 0" in warning
    assert "arXiv:2303.14753" in warning


def test_stratified_over_uneven_classes_all_together() -> None:
    uneven = np.repeat([0, 2, -1], [1000, 50, 3])
    (warning,) = _said(method="stratified", labels=uneven, kept=0.05)
    assert "20 times" in warning
    assert not _said(method="stratified", labels=uneven, kept=0.05, quota="proportional")
    assert not _said(method="stratified", labels=uneven, kept=0.5)


@pytest.mark.parametrize(
    "choice",
    [
        {"kept": 0.3},
        {"method": "bottom", "high": "hard"},
        {"method": "gumbel", "high": "easy", "turned": True},
        {"high": ""},
        {"method": "stratified"},
        {"method": "kcenter", "score": None, "high": ""},
        {"method": "stratified", "labels": np.full(9, -1)},
    ],
)
def test_nothing_is_said_of_other_choices(choice: dict[str, Any]) -> None:
    assert _said(**choice) == []


@pytest.mark.parametrize(("method", "cure"), [("top", "--method bottom"), ("gumbel", "--set tau=-1")])
def test_taking_what_is_easy_first_is_said(method: str, cure: str) -> None:
    (warning,) = _said(method=method, high="easy", kept=0.5)
    assert "those are of easy samples" in warning
    assert cure in warning


def test_a_class_that_is_cut_by_more_than_half_is_named() -> None:
    usual: dict[str, Any] = {"classes": ["ant", "bee", "cat"], "held_out": True}
    labels = np.repeat([0, 1, 2], [40, 5, 50])
    (warning,) = cautions_of_classes(dropped=np.repeat([0, 1, -1], [40, 15, 9]), labels=labels, **usual)
    assert "75 % of the class 'bee':" in warning
    (warning,) = cautions_of_classes(dropped=np.repeat([1, 2], [15, 51]), labels=labels, **usual)
    assert "'bee', and more than half of 1 more" in warning
    assert not cautions_of_classes(dropped=np.zeros(40, int), labels=labels, **usual)


def test_errors_of_samples_that_were_trained_on_are_said_to_be_that() -> None:
    none = np.zeros(0, np.int64)
    (warning,) = cautions_of_classes(dropped=none, labels=none, classes=[], held_out=False)
    assert "--cross-fit 5" in warning
    assert "--quota-errors" in warning
