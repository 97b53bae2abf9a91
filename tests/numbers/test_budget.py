"""How many are kept: the fraction times n, rounded half up from the decimal text, in every option."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune import pipeline
from prune.core.errors import OptionError, RejectsError
from prune.core.quota import budgets, keep_count
from prune.optimizers.stopping_rules import Stop
from prune.selectors import SELECTORS
from prune.steps.score_columns import directions
from prune.steps.settings import Settings
from prune.store import Store, read_selection

TABLE, CASES = "Numbers", "cases"
RNG = np.random.default_rng(5)
X = RNG.standard_normal((100, 5)).astype(np.float32)
Y = np.arange(100) % 4


@pytest.fixture
def hundred(stored: Callable[..., Store], tmp_path: Path) -> Store:
    """A hundred samples with a score."""
    store = stored(X, Y)
    scores = tmp_path / "scores.csv"
    scores.write_text("key,s\n" + "".join(f"{row},{row}\n" for row in range(100)))
    pipeline.score(store, imports=str(scores), high="hard")
    assert directions(store) == {"s": "hard"}
    return store


def test_every_fraction_of_two_digits_is_exact(tally: Callable[..., None]) -> None:
    for percent in range(1, 101):
        for n in (1, 2, 3, 7, 50, 99, 100, 150, 1000, 50_000, 1_281_167):
            k = max(1, (percent * n * 2 + 100) // 200)  # whole numbers only
            text = f"{percent / 100:.2f}"
            assert keep_count(text, n) == keep_count(float(text), n) == k
    tally(TABLE, "fractions of n, exact", CASES, 100 * 11)


@pytest.mark.parametrize(
    ("fraction", "n", "k"),
    [
        (np.float32(0.29), 10**9, 290_000_000),  # as it prints, not as it is stored
        (np.float16(0.3), 10**6, 300_000),
        (Decimal("0.145"), 100, 15),
        (1, 7, 7),
        (1.0, 7, 7),
        ("0.00000000000000000000000000000000000000001", 10, 1),
        ("." + "3" * 5000, 3, 1),
        ("1e-5", 50_000, 1),
        (" 0.5 ", 3, 2),
    ],
)
def test_a_number_is_read_as_it_prints(fraction: Any, n: int, k: int) -> None:
    assert keep_count(fraction, n) == k


@pytest.mark.parametrize("fraction", [True, np.nan, np.float32("inf"), -0.0, 2, Fraction(1, 3), None, "½"])
def test_what_is_no_fraction_is_refused(fraction: Any) -> None:
    with pytest.raises(OptionError, match="--fraction must be over 0 and at most 1, not "):
        keep_count(fraction, 10)


def test_half_is_up_in_every_option_that_is_a_part_of_the_samples(
    hundred: Store, tally: Callable[..., None]
) -> None:
    whole = pipeline.select(hundred, method="top", fraction="1", score="s")
    assert whole["k"] == 100
    for percent in (1, 7, 14, 28, 29, 55, 56, 57, 58):
        text = f"0.{percent:02d}"
        kept = pipeline.select(hundred, method="random", fraction=text)
        assert kept["k"] == percent
        out = hundred.path.parent / f"out-{percent}"
        done = pipeline.export(hundred, format="manifest", out=out, selection="top", fraction=text)
        assert done["samples"] == percent
        left = pipeline.select(hundred, method="bottom", count=1, score="s", drop_hardest=text)
        assert left["drop_hardest"]["samples"] == percent
        cut = pipeline.select(hundred, method="stratified", count=1, options=[f"cutoff={text}"])
        assert cut["facts"]["cutoff"] == float(text)
        reasons = read_selection(hundred, "stratified").manifest["reason"].to_pylist()
        assert reasons.count("hardest, cut off by the method") == percent
        band = pipeline.select(hundred, method="window", count=percent, options=[f"hi={text}"])
        assert band["k"] == percent
        assert Stop("data_size", data_size=float(text)).fraction_of(100) == percent
        assert Stop("data_size", data_size=float(text)).fraction_of(50) == (percent + 1) // 2
    tally(TABLE, "parts of n by seven options", CASES, 9 * 7)


def test_the_limit_of_unreadable_samples_is_met_exactly(tmp_path: Path, tally: Callable[..., None]) -> None:
    for percent in (7, 14, 28, 29, 56, 57, 58):  # 0.29 · 100 is below 29 in float64
        rows = X.copy()
        rows[:percent] = np.nan
        home = tmp_path / str(percent)
        home.mkdir()
        np.save(home / "x.npy", rows)
        words: dict[str, Any] = {"on_error": "skip", "max_bad": percent / 100}
        done = pipeline.embed(home / "store", str(home / "x.npy"), settings=Settings(**words))
        assert done["rejects"] == percent
        with pytest.raises(RejectsError, match="the limit is"):
            words["max_bad"] = (percent - 0.5) / 100
            pipeline.embed(home / "other", str(home / "x.npy"), settings=Settings(**words))
    tally(TABLE, "limits of unreadable samples", CASES, 14)


@pytest.mark.parametrize("method", SELECTORS)
@pytest.mark.parametrize("k", [0, 101, -1])
def test_more_than_there_is_or_nothing_is_refused_by_every_selector(method: str, k: int) -> None:
    words: dict[str, Any] = {"X": X, "scores": X[:, 0], "easiness": X[:, 0], "probs": abs(X)}
    with pytest.raises(OptionError, match=rf"k must be from 1 to 100, the number of rows, not {k}"):
        prune.select_rows(method=method, k=k, **words)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"count": 101}, "--count 101 asks for 101 samples, but only 100 of 100"),
        ({"count": 0}, "--count must be at least 1, not 0"),
        ({"count": -3}, "--count must be at least 1, not -3"),
        ({"count": 2.0}, "count=2.0 is not a whole number"),
        ({"count": True}, "count=True is not a whole number"),
        ({"count": 3, "fraction": "0.3"}, "one of --fraction and --count"),
        ({}, "one of --fraction and --count"),
        ({"fraction": "0.99", "drop_hardest": "0.02", "score": "s"}, "asks for 99 samples, but only 98"),
        ({"fraction": "0.5", "drop_hardest": "nan", "score": "s"}, "--drop-hardest must be from 0"),
        ({"count": 5, "quota": "equal", "quota_cap": 1}, "a cap of 1 allows 4 samples, fewer than the 5"),
        ({"count": 5, "quota": "equal", "quota_floor": 2}, "a floor of 2 takes 8 samples, more than the 5"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_in_one_sentence(
    hundred: Store, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        pipeline.select(hundred, method="top", **({"score": "s"} | asked))
    assert "\n" not in str(caught.value)


def test_budgets_over_ten_thousand_classes_add_up(tally: Callable[..., None]) -> None:
    sizes = RNG.integers(0, 300, 10_000)
    errors = RNG.random(10_000)
    for kind in ("proportional", "equal", "drop"):
        for k in (1, 9_999, 10_000, 10_001, int(sizes.sum()) // 2, int(sizes.sum())):
            split = budgets(sizes, k, kind, errors=errors if kind == "drop" else None)  # type: ignore[arg-type]
            assert split.sum() == k
            assert (split >= 0).all()
            assert (split <= sizes).all()
    tally(TABLE, "budgets over 10,000 classes", CASES, 18)
