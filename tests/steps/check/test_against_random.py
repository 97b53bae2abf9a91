"""`prune check --min-delta`: a selection worse than random, one as good, and what is too little to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune as library
from prune.core.errors import OptionError
from prune.steps.check.request import CheckRequest
from prune.steps.evaluate.cells import Cell
from prune.steps.evaluate.intervals import paired_difference, seeds_above
from prune.steps.evaluate.training_sets import RANDOM, TrainingSet
from prune.store import Store, identity

Prune = Callable[..., Any]
TESTED = 10_000
RANDOM_ONES = [0.800, 0.802, 0.798, 0.801, 0.799]
AS_GOOD = [0.8, 0.8015, 0.7985, 0.801, 0.7995]
WORSE = [0.780, 0.783, 0.777, 0.781, 0.779]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Forty samples, of which the selection `random` keeps ten, named `mine`."""
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8))
    np.save(tmp_path / "labels.npy", np.arange(40) % 2)
    labels = library.Settings(reading={"labels": str(tmp_path / "labels.npy")})
    library.embed(tmp_path / ".prune", str(tmp_path / "images.npy"), encoder="pixels", settings=labels)
    library.select(tmp_path / ".prune", method="random", fraction=0.25, name="mine")
    return Store(tmp_path / ".prune")


def train(
    store: Store,
    accuracies: Sequence[float],
    randoms: Sequence[float] = RANDOM_ONES,
    *,
    spec: str = "mine",
    model: str = "resnet8",
    noise: float | None = None,
    selection: str = "mine",
) -> None:
    """Write the cells of trainings that came to these accuracies."""
    stored = store.selection(selection)
    ground = {
        "data": store.state["dataset"],
        "inputs": {},
        "test": {"data": "some test set"},
        "training": {"proxy": model},
        "protocol": {"kind": "steps", "count": 60, "batch": 128},
        "noise": None if noise is None else {"rate": noise},
        "device": "cpu",
        "precision": "float32",
    }
    mine = TrainingSet(spec, None, stored.rows, about={"selection": spec})
    cells = [Cell(ground, mine, run, 60) for run in range(len(accuracies))]
    for run in range(len(randoms)):
        rows = np.sort(np.random.default_rng(run).choice(40, len(stored), replace=False)).astype(np.int64)
        cells.append(Cell(ground, TrainingSet(RANDOM, None, rows, run=run), run, 60))
    with store.writing():
        for cell, accuracy in zip(cells, [*accuracies, *randoms], strict=True):
            outcome = {
                "tested": TESTED,
                "accuracy": accuracy,
                "classes": {"0": [1, 2]},
                "worst_class": "0",
                "worst_accuracy": 0.5,
                "usable": 40,
            }
            cell.write(store, np.zeros(4, np.int32), outcome)
        store.publish(columns={cell.name: identity(cell.recipe) for cell in cells})


def look(store: Store, least: float = -0.2, **more: Any) -> dict[str, Any]:
    (one,) = library.check(store, selection="mine", min_delta=least, **more)["conditions"]
    assert isinstance(one, dict)
    return one


def test_a_selection_worse_than_random_fails(prune: Prune, store: Store) -> None:
    train(store, WORSE)
    said = prune("check", "--store", store.path, "--min-delta", -0.2)
    assert said.code == 5
    assert said.out.startswith("FAIL  --min-delta -0.2: -2.0")
    assert "-2.00 points" in said.out
    assert "worse (resnet8, equal steps: 60, 5 seeds)" in said.out


def test_one_as_good_passes_by_the_lower_end_of_the_interval(prune: Prune, store: Store) -> None:
    train(store, AS_GOOD)
    said = prune("check", "--store", store.path, "--min-delta", -0.2)
    assert said.code == 0
    assert said.out.startswith("pass  --min-delta -0.2: -0.0")
    low = paired_difference(AS_GOOD, RANDOM_ONES, resolution=1 / TESTED).low
    assert low is not None
    assert look(store)["value"] == pytest.approx(100 * low)
    assert look(store, 100 * low)["passed"]
    assert not look(store, 100 * low + 1e-9)["passed"]


def test_fewer_than_five_random_sets_fail_with_the_command_that_adds_them(prune: Prune, store: Store) -> None:
    train(store, AS_GOOD[:4], RANDOM_ONES[:4])
    one = look(store, -50)
    assert (one["passed"], one["value"], one["detail"]) == (
        False,
        None,
        "4 random sets of the 5 that it takes",
    )
    said = prune("check", "--store", store.path, "--min-delta", -50)
    assert said.code == 5
    assert f"prune evaluate --store {store.path} --test DATA --select mine --seeds 5" in said.err
    for cell in store.columns:
        store.remember_timings("evaluate", {"total": 1.0}, "prune evaluate --select mine --seeds 4", [cell])
    said = prune("check", "--store", store.path, "--min-delta", -50)
    assert said.err.endswith(f"prune evaluate --store {store.path} --select mine --seeds 5\n")


def advised(store: Store, made: str, least: float) -> str:
    """Return what `check` advises of cells that a command has made."""
    for cell in store.columns:
        store.remember_timings("evaluate", {"total": 1.0}, made, [cell])
    advice = library.check(store, selection="mine", min_delta=least)["advice"]
    assert isinstance(advice, str)
    return advice.replace(f" --store {store.path}", "")


MADE = "prune evaluate --test here --select 'mine top:el2n' --fraction 0.1,0.3 --seeds 5 --steps 60"


def test_seeds_are_advised_that_lift_the_lower_end_over_the_limit(store: Store) -> None:
    train(store, AS_GOOD)
    found = paired_difference(AS_GOOD, RANDOM_ONES, resolution=1 / TESTED)
    assert found.low is not None
    least = (found.mean + found.low) / 2
    seeds = 5 + (seeds_above(found, least) or 0)
    assert seeds > 5
    said = advised(store, MADE, 100 * least)
    assert said == f"prune evaluate --test here --steps 60 --select mine --seeds {seeds}"


def test_where_no_seeds_would_help_another_method_is_looked_for_in_the_same_way(store: Store) -> None:
    train(store, WORSE)
    said = advised(store, MADE, -0.2)
    assert said == "prune evaluate --test here --steps 60 --choose --fraction 0.25"


def test_what_was_chosen_anew_is_evaluated_as_it_was_before(store: Store) -> None:
    train(store, AS_GOOD)
    library.select(store, method="random", fraction=0.25, name="mine", settings=library.Settings(seed=5))
    said = advised(store, MADE, -50)
    assert look(store, -50)["detail"] == "mine was not evaluated since it was chosen anew"
    assert said == "prune evaluate --test here --steps 60 --select mine --seeds 5"


def test_what_was_not_evaluated_fails(prune: Prune, store: Store) -> None:
    said = prune("check", "--store", store.path, "--min-delta", -50, "--json")
    assert said.code == 5
    assert '"value": null' in said.out
    assert "mine was not evaluated" in said.out


def test_an_evaluation_of_other_samples_does_not_count(store: Store) -> None:
    train(store, AS_GOOD)
    library.select(store, method="random", fraction=0.25, name="mine", settings=library.Settings(seed=5))
    assert look(store, -50)["detail"] == "mine was not evaluated"  # since, were it known how before


def test_the_same_samples_under_another_name_count(store: Store) -> None:
    train(store, AS_GOOD, spec="random,quota=none")
    assert look(store)["passed"]


def test_a_probe_alone_counts_only_when_told(prune: Prune, store: Store) -> None:
    train(store, AS_GOOD, model="linear")
    assert "linear probe alone" in look(store, -50)["detail"]
    assert look(store, -50, probe=True)["passed"]
    said = prune("check", "--store", store.path, "--min-delta", -50)
    assert said.code == 5
    advised = said.err.splitlines()[-1].removeprefix("try:   prune ")
    assert advised == f"check --store {store.path} --selection mine --min-delta -50 --probe"
    assert prune(*advised.split()).code == 0


def test_of_several_evaluations_all_have_to_hold(store: Store) -> None:
    train(store, AS_GOOD)
    train(store, WORSE, model="resnet20")
    one = look(store)
    assert not one["passed"]
    assert "resnet20" in one["detail"]
    assert one["detail"].endswith("the lowest of 2 evaluations")


def test_trainings_with_wrong_labels_on_purpose_do_not_count(store: Store) -> None:
    train(store, WORSE, noise=0.1)
    assert look(store, -50)["detail"] == "mine was not evaluated"
    train(store, AS_GOOD)
    assert look(store)["passed"]


def test_at_most_five_percent_pass_whose_difference_is_at_the_limit() -> None:
    rng = np.random.default_rng(0)
    passed = 0
    for _ in range(2000):
        seeds = rng.normal(0.8, 0.01, 5)  # what both share of a seed
        method = seeds - 0.002 + rng.normal(0, 0.002, 5)
        low = paired_difference(method, seeds + rng.normal(0, 0.002, 5)).low
        passed += low is not None and 100 * low >= -0.2
    assert passed / 2000 <= 0.05


def test_probe_and_limit_in_words() -> None:
    with pytest.raises(OptionError, match="--probe is for one condition only"):
        CheckRequest.of({"probe": True})
    with pytest.raises(OptionError, match="--min-delta must be a number"):
        CheckRequest.of({"min_delta": float("nan")})
