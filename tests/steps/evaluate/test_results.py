"""What cells amount to: of each set one row a seed, whatever it was called, and what they share in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.steps.evaluate.cells import Cell
from prune.steps.evaluate.evaluation_table import EvaluationSummary
from prune.steps.evaluate.plot import figure_of
from prune.steps.evaluate.results import evaluations
from prune.steps.evaluate.shown import shown
from prune.steps.evaluate.training_sets import RANDOM, TrainingSet
from prune.steps.report.page.subject import subject
from prune.steps.report.page.verdicts import trial_groups, verdict
from prune.store import Store, identity, read_selection

RANDOMS = [0.800, 0.802, 0.798]
OURS = [0.803, 0.804, 0.802]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Forty samples, of which the selection `mine` keeps ten."""
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8))
    np.save(tmp_path / "labels.npy", np.arange(40) % 2)
    labels = prune.Settings(reading={"labels": str(tmp_path / "labels.npy")})
    prune.embed(tmp_path / ".prune", str(tmp_path / "images.npy"), encoder="pixels", settings=labels)
    prune.select(tmp_path / ".prune", method="random", fraction=0.25, name="mine")
    return Store(tmp_path / ".prune")


def trained(store: Store, sets: Sequence[TrainingSet], accuracies: Sequence[float], **changed: Any) -> None:
    """Write the cells of trainings of these sets, a seed each, that came to these accuracies."""
    ground = {
        "data": store.state["dataset"],
        "inputs": {},
        "test": {"data": "some test set"},
        "training": {"proxy": "resnet8", "seed": 0},
        "protocol": {"kind": "steps", "count": 60, "batch": 128},
        "noise": None,
        "device": "cpu",
        "precision": "float32",
        **changed,
    }
    outcome = {
        "tested": 10_000,
        "classes": {"0": [1, 2]},
        "worst_class": "0",
        "worst_accuracy": 0.5,
        "usable": 40,
    }
    cells = [Cell(ground, one, run, 60) for run, one in enumerate(sets)]
    with store.writing():
        for cell, accuracy in zip(cells, accuracies, strict=True):
            about = dict(cell.set.about)
            cell.write(store, np.zeros(4, np.int32), {**outcome, "accuracy": accuracy, "set": about})
        store.publish(columns={cell.name: identity(cell.recipe) for cell in cells})


def of(spec: str, asked: str | None, rows: Sequence[int], seeds: int = 3) -> list[TrainingSet]:
    """A set a seed: a selection of the store where no size was asked for, else one by a SPEC."""
    about = {"method": "x"} | ({"selection": spec} if asked is None else {})
    return [TrainingSet(spec, asked, np.array(rows, np.int64), about=about)] * seeds


def randoms(store: Store, **changed: Any) -> None:
    drawn = [np.sort(np.random.default_rng(run).choice(40, 10, replace=False)) for run in range(3)]
    sets = [TrainingSet(RANDOM, None, rows.astype(np.int64), run=run) for run, rows in enumerate(drawn)]
    trained(store, sets, RANDOMS, **changed)


def summaries(store: Store) -> list[EvaluationSummary]:
    return [one for one in evaluations(store).summaries if one.spec != RANDOM]


def test_a_set_that_was_asked_for_in_two_ways_has_one_row_a_seed(store: Store) -> None:
    kept = store.selection("mine").rows.tolist()
    randoms(store)
    trained(store, of("mine", None, kept), OURS)
    (alone,) = summaries(store)
    trained(store, of("mine", "0.25", kept), OURS)
    trained(store, of("mine", "0.251", kept, seeds=2), OURS[:2])
    assert summaries(store) == [alone]
    assert alone.named == "mine"
    assert (alone.seeds, alone.difference and alone.difference.seeds) == (3, 3)
    (outcome,) = prune.check(store, selection="mine", min_delta=-50)["conditions"]
    assert outcome["detail"] == "3 random sets of the 5 that it takes"


def test_two_sets_of_one_name_and_size_are_two_rows(store: Store) -> None:
    kept = store.selection("mine").rows.tolist()
    others = sorted(set(range(40)) - set(kept))[:10]
    randoms(store)
    trained(store, of("mine", None, kept), OURS)
    trained(store, of("mine", "0.25", others), [0.7, 0.71, 0.72])
    assert [(round(one.accuracy.mean, 6), one.seeds) for one in summaries(store)] == [(0.803, 3), (0.71, 3)]
    assert [one.named for one in summaries(store)] == ["mine (selection)", "mine"]
    assert {(one.spec, one.named) for one in evaluations(store).rows if one.spec == "mine"} == {
        ("mine", "mine (selection)"),
        ("mine", "mine"),
    }
    table = evaluations(store)
    assert ">mine (selection)<" in table._repr_html_()
    (axes,) = figure_of(table).axes
    assert [line.get_label() for line in axes.get_lines()] == ["random", "mine (selection)", "mine"]
    (group,) = trial_groups(subject(store, read_selection(store, "mine"), prune.Settings()))
    assert [(one.spec, one.accuracy[:5]) for one in group.trials if one.ours] == [
        ("mine (selection)", "80.30")
    ]
    (outcome,) = prune.check(store, selection="mine", min_delta=-50)["conditions"]
    assert outcome["detail"] == "3 random sets of the 5 that it takes"


def test_seeds_of_a_selection_that_was_chosen_anew_are_not_those_of_the_one_before(store: Store) -> None:
    randoms(store)
    trained(store, of("mine", None, range(10)), OURS)
    trained(store, of("mine", None, range(9), seeds=1), [0.9])
    assert [(one.k, one.seeds, one.accuracy.mean) for one in summaries(store)] == [(9, 1, 0.9)]


def test_what_was_trained_otherwise_says_so_wherever_it_is_shown(store: Store) -> None:
    randoms(store)
    randoms(store, noise={"rate": 0.1, "seed": 0})
    randoms(store, training={"proxy": "resnet8", "seed": 1})
    randoms(store, training={"proxy": "probe"}, protocol={"kind": "fit", "count": 1, "batch": 1})
    table = evaluations(store)
    words = {
        "resnet8, equal steps: 60, seed 0",
        "resnet8, equal steps: 60, seed 1",
        "resnet8, equal steps: 60, 10 % of the labels wrong",
        "probe, fitted to the end",
    }
    assert {one["in_words"] for one in shown(store)["settings"]} == words
    titles = {axes.get_title("left").replace("\n", " ") for axes in figure_of(table).axes}
    assert titles == {f"{one}, 3 seeds; bands 95 % over seeds" for one in words}
    html = table._repr_html_()
    assert all(f">{one}<" in html for one in words)


def test_the_page_takes_the_verdict_of_a_network_on_the_right_labels(store: Store) -> None:
    kept = store.selection("mine").rows.tolist()
    probe: dict[str, Any] = {
        "training": {"proxy": "probe"},
        "protocol": {"kind": "fit", "count": 1, "batch": 1},
    }
    about = subject(store, read_selection(store, "mine"), prune.Settings())
    assert verdict(trial_groups(about)) is None
    for accuracy, changed, said in (
        (0.6, {"noise": {"rate": 0.1, "seed": 0}}, " (resnet8, equal steps: 60, 10 % of the labels wrong)"),
        (0.7, probe, " (probe, fitted to the end)"),
        (0.9, {}, ""),
    ):
        randoms(store, **changed)
        trained(store, of("another name", None, kept), [accuracy] * 3, **changed)
        found = verdict(trial_groups(about))
        assert found is not None
        told, which = found
        assert told.startswith(f"beside random: {100 * (accuracy - 0.8):+.2f} [")
        assert told.endswith(f"] points{said}")
        assert which == ("better" if accuracy > 0.8 else "worse")


def test_a_probe_says_what_it_is_kind_to_on_the_terminal_too(store: Store) -> None:
    from prune.commands.evaluate_report import shown_lines

    randoms(store)
    assert "kcenter" not in "".join(shown_lines(shown(store)))
    randoms(store, training={"proxy": "probe"}, protocol={"kind": "fit", "count": 1, "batch": 1})
    kind = "a probe on a fixed embedding is kind to what covers it"
    assert shown_lines(shown(store))[-1].startswith(kind)
    assert kind in evaluations(store)._repr_html_()
