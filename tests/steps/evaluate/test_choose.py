"""The choice among selections: random unless one is told to be better, however many are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from prune.core.method_names import SCORES
from prune.selectors import SELECTORS
from prune.steps.evaluate.choose import Choice, choices, in_words
from prune.steps.evaluate.evaluation_table import EvaluationRow, EvaluationTable
from prune.steps.evaluate.portfolio import portfolio

K = 300


def table(of: Mapping[str, Sequence[float]], k: int = K) -> EvaluationTable:
    rows = [
        EvaluationRow(
            cell=f"evaluation.{spec}.{seed}",
            setting="a",
            spec=spec,
            named=spec,
            fraction=0.3,
            k=k,
            seed=seed,
            protocol="equal steps: 100",
            steps=100,
            model="resnet8",
            test="t",
            label_noise=0.0,
            tested=10_000,
            accuracy=accuracy,
            worst_class="cat",
            worst_accuracy=0.2,
            seconds=1.0,
        )
        for spec, accuracies in of.items()
        for seed, accuracy in enumerate(accuracies)
    ]
    return EvaluationTable(tuple(rows), ())


def chosen(of: Mapping[str, Sequence[float]]) -> Choice:
    (choice,) = choices(table(of), {"0.3": {spec: K for spec in of if spec != "random"}})
    return choice


RANDOM = [0.700, 0.702, 0.698, 0.701, 0.699]


def test_the_best_of_those_that_are_better_is_taken() -> None:
    choice = chosen(
        {
            "random": RANDOM,
            "worse": [one - 0.05 for one in RANDOM],
            "good": [one + 0.02 + 0.001 * (seed % 2) for seed, one in enumerate(RANDOM)],
            "best": [one + 0.03 + 0.001 * (seed % 2) for seed, one in enumerate(RANDOM)],
            "loud": [one + 0.04 + 0.1 * (-1) ** seed for seed, one in enumerate(RANDOM)],
        }
    )
    assert choice.spec == "best"  # `loud` is higher, and nobody knows
    assert choice.level == pytest.approx(1 - 0.05 / 4)
    assert choice.compared == ("loud", "best", "good", "worse")
    assert in_words(choice).startswith("30 %: best, +3.04 [")


def test_random_where_none_is_told_to_be_better_and_how_many_seeds_would_tell() -> None:
    choice = chosen({"random": RANDOM, "good": [0.71, 0.72, 0.69, 0.72, 0.70], "worse": [0.6] * 5})
    assert (choice.spec, choice.difference) == ("random", None)
    assert choice.nearest.mean == pytest.approx(0.008)
    said = in_words(choice)
    assert said.startswith("30 %: random; none of 2 selections is told to be better; good: +0.80 [")
    assert said.endswith(f"{choice.nearest.more_seeds} more seeds would tell")


def test_what_is_better_alone_need_not_be_among_many() -> None:
    near = [one + gain for one, gain in zip(RANDOM, (0.004, 0.012, 0.006, 0.012, 0.004), strict=True)]
    assert chosen({"random": RANDOM, "near": near}).spec == "near"
    others = {f"other{place}": [one - 0.01 for one in RANDOM] for place in range(5)}
    assert chosen({"random": RANDOM, "near": near, **others}).spec == "random"


@pytest.mark.parametrize("seeds", [3, 5])
def test_one_of_six_that_are_no_better_is_chosen_at_most_once_in_twenty(seeds: int) -> None:
    rng, taken = np.random.default_rng(3), 0
    for _ in range(400):
        drawn = {f"s{place}": rng.normal(0.7, 0.01, seeds).tolist() for place in range(6)}
        taken += chosen({"random": rng.normal(0.7, 0.01, seeds).tolist(), **drawn}).spec != "random"
    assert taken / 400 <= 0.05


def test_one_seed_chooses_nothing() -> None:
    choice = chosen({"random": [0.1], "good": [0.9]})
    assert choice.spec == "random"
    assert in_words(choice) == "30 %: random; none of 1 selection is told to be better; good: +80.00 (95 %)"


@pytest.mark.parametrize("fraction", ["0.05", "0.3", "0.5", "0.9"])
def test_the_portfolio_is_small_and_of_methods_and_scores_that_exist(fraction: str) -> None:
    specs = portfolio(fraction)
    assert len(set(specs)) == len(specs) <= 6
    for spec in specs:
        method, _, score = spec.partition(":")
        assert method in SELECTORS
        assert not score or score in SCORES
        assert not score or "scores" in SELECTORS[method].needs or SELECTORS[method].takes("scores")
