"""Evaluations through `prune.evaluate`: what is compared, trained again, and kept in the store."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import prune
from prune.commands.evaluate_report import table_lines
from prune.core.column_name import EVALUATION, of_kinds
from prune.core.errors import OptionError, OutputError
from prune.core.notebook import NoPandasError
from prune.core.progress import SILENT
from prune.steps.evaluate.evaluation_table import EvaluationTable
from prune.steps.evaluate.results import evaluations
from prune.steps.evaluate.shown import shown
from prune.steps.report.status import status
from prune.steps.settings import Settings
from prune.store import Store

from .conftest import QUICK


class Cells:
    """A reporter that remembers the cells that were trained, and ends the process before one."""

    def __init__(self, last: int | None = None) -> None:
        self.trained: list[str] = []
        self.said: list[str] = []
        self.last = last

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        if what.startswith("cell"):
            if len(self.trained) == self.last:
                raise KeyboardInterrupt
            self.trained.append(what.partition(": ")[2])
        return SILENT.stage(what, total, unit)

    def say(self, message: str) -> None:
        self.said.append(message)


def evaluate(store: Path, last: int | None = None, **asked: Any) -> tuple[dict[str, Any], Cells]:
    cells = Cells(last)
    given = {"test": "test", "select": ["top:one"], "fractions": [0.3], "seeds": 2} | QUICK | asked
    return prune.evaluate(store, **given, settings=Settings(device="cpu", reporter=cells)), cells


def content(store: Path, kind: str) -> dict[str, bytes]:
    home = store / "columns"
    return {str(p.relative_to(home)): p.read_bytes() for p in sorted(home.glob(f"{kind}.*/*/*"))}


@pytest.fixture
def store(place: Path) -> Any:
    """A copy of the store, at the same distance from the data."""
    copied = place / "copy"
    shutil.copytree(place / "store", copied)
    yield copied
    shutil.rmtree(copied)


@pytest.fixture(scope="module")
def done(place: Path) -> tuple[Path, dict[str, Any]]:
    """A store in which one selection was evaluated with three seeds."""
    shutil.copytree(place / "store", place / "done")
    return place / "done", evaluate(place / "done", seeds=3)[0]


def test_a_selection_of_one_class_is_worse_and_everything_is_trained_beside(
    done: tuple[Path, dict[str, Any]],
) -> None:
    random, top, everything = done[1]["results"]
    assert [one["spec"] for one in (random, top, everything)] == ["random", "top:one", "everything"]
    assert [one["k"] for one in (random, top, everything)] == [18, 18, 60]
    assert top["accuracy"]["mean"] == pytest.approx(1 / 3)
    assert (top["worst_class"], top["worst_accuracy"]) == ("b", 0.0)
    assert top["difference"]["verdict"] == "worse"
    assert top["difference"]["high"] < 0
    assert random["difference"] is everything["difference"] is None
    assert random["accuracy"]["mean"] > 0.8
    assert all(one["protocol"] == "equal steps: 24" for one in (random, top, everything))
    assert len(done[1]["cells"]) == 9


def test_the_difference_is_that_of_the_seeds_one_by_one(done: tuple[Path, dict[str, Any]]) -> None:
    accuracy = {(one["spec"], one["seed"]): one["accuracy"] for one in done[1]["cells"]}
    pairs = [accuracy["top:one", run] - accuracy["random", run] for run in range(3)]
    assert done[1]["results"][1]["difference"]["mean"] == pytest.approx(np.mean(pairs))
    assert done[1]["results"][1]["difference"]["paired"]


def test_a_cell_holds_a_class_for_every_test_sample(done: tuple[Path, dict[str, Any]]) -> None:
    store, result = Store(done[0]), done[1]
    for row in result["cells"]:
        predicted = store.column(row["cell"]).read()
        assert predicted.shape == (30,)
        assert (predicted == np.repeat([0, 1, 2], 10)).mean() == pytest.approx(row["accuracy"])


def test_random_is_what_select_draws_by_the_seed(done: tuple[Path, dict[str, Any]]) -> None:
    store = Store(done[0])
    cells = [store.column(name).recipe for name in of_kinds(store.columns, EVALUATION)]
    digests = {cell["run"]: cell["set"]["rows"] for cell in cells if cell["set"]["spec"] == "random"}
    assert len(set(digests.values())) == 3
    from prune.steps.evaluate.training_sets import TrainingSet

    for run, digest in digests.items():
        settings = Settings(seed=run)
        prune.select(
            store, method="random", count=18, quota="proportional", name=f"r{run}", settings=settings
        )
        rows = store.selection(f"r{run}").rows
        assert TrainingSet("random", None, rows).recipe["rows"] == digest


def test_nothing_is_trained_again_and_more_seeds_and_sizes_add_to_what_is_there(store: Path) -> None:
    first, trained = evaluate(store)
    assert len(trained.trained) == 6
    assert not first["unchanged"]
    before = content(store, EVALUATION)
    again, trained = evaluate(store)
    assert trained.trained == []
    assert again["unchanged"]
    assert again["results"] == first["results"]
    _, trained = evaluate(store, seeds=3)
    assert trained.trained == ["random, 30 %, seed 2", "top:one, 30 %, seed 2", "everything, 100 %, seed 2"]
    more, trained = evaluate(store, fractions="0.3,0.5", select=["top:one", "bottom:one"], seeds=1)
    assert trained.trained == [
        "random, 50 %, seed 0",
        "top:one, 50 %, seed 0",
        "bottom:one, 30 %, seed 0",
        "bottom:one, 50 %, seed 0",
    ]
    assert len(more["results"]) == 7
    assert before.items() <= content(store, EVALUATION).items()
    assert len(evaluations(Store(store))) == 13


def test_two_runs_and_a_killed_one_leave_the_same_bytes(place: Path, store: Path) -> None:
    whole = place / "whole"
    shutil.copytree(place / "store", whole)
    evaluate(whole)
    with contextlib.suppress(KeyboardInterrupt):
        evaluate(store, last=2)
    assert list(status(Store(store))["begun"]) == ["evaluate"]
    assert status(Store(store))["evaluations"]["cells"] == 2
    _, trained = evaluate(store)
    assert len(trained.trained) == 4
    assert content(store, EVALUATION) == content(whole, EVALUATION)
    assert content(store, "choice") == content(whole, "choice")
    assert status(Store(store))["begun"] == {}


def test_the_list_of_selections_and_the_latest_stay_as_they_are(store: Path) -> None:
    evaluate(store, seeds=1)
    prune.select(store, method="random", fraction=0.5, name="mine")
    evaluate(store, seeds=2)
    state = Store(store).state
    assert (list(state["selections"]), state["latest"]) == (["mine"], "mine")
    again = prune.select(store, method="random", fraction=0.5, name="mine")
    assert again["unchanged"]  # cells are no columns that decide a selection


def test_a_stored_selection_is_compared_with_random_of_its_own_size(store: Path) -> None:
    prune.select(store, method="top", score="one", count=7, name="mine")
    result, trained = evaluate(store, select=(), fractions=(), seeds=1)
    assert [(one["spec"], one["k"]) for one in result["results"]] == [
        ("random", 7),
        ("mine", 7),
        ("everything", 60),
    ]
    prune.select(store, method="bottom", score="one", count=7, name="mine")
    result, trained = evaluate(store, select=(), fractions=(), seeds=1)
    assert trained.trained == ["mine, 11.7 %, seed 0"]
    assert len(evaluations(Store(store))) == 3  # the cell of the selection before is no longer shown
    gone = prune.gc(store)["removed"]
    assert ["made again" in piece["why"] for piece in gone if EVALUATION in piece["path"]] == [True]
    assert prune.verify(store)["whole"]


def test_cells_that_are_gone_from_the_disk_are_trained_again_or_count_no_more(store: Path) -> None:
    evaluate(store, seeds=2)
    shown = Store(store).state["columns"]
    rows = evaluations(Store(store)).rows
    asked, other = (next(r.cell for r in rows if (r.spec, r.seed) == ("top:one", n)) for n in (0, 1))
    for name in (asked, other):
        shutil.rmtree(store / "columns" / name / shown[name])
    result, trained = evaluate(store, seeds=1)
    assert trained.trained == ["top:one, 30 %, seed 0"]
    assert "1 cell of other evaluations can no longer be found, and count no more" in trained.said
    assert other not in Store(store).columns
    assert {one["spec"]: one["seeds"] for one in result["results"]} == {
        "random": 2,
        "top:one": 1,
        "everything": 2,
    }


def test_settings_of_the_same_heading_say_what_tells_them_apart(store: Path) -> None:
    evaluate(store, select=["random"], seeds=1)
    assert [one["apart"] for one in shown(store)["settings"]] == [[]]
    evaluate(store, select=["random"], seeds=1, batch=7)
    prune.evaluate(
        store,
        test="test",
        select=["random"],
        fractions=[0.3],
        seeds=1,
        **QUICK,
        settings=Settings(device="cpu", seed=1),
    )
    told = [" ".join(one["apart"]) for one in shown(store)["settings"]]
    assert sorted(told) == ["seed 0 batch 16", "seed 0 batch 7", "seed 1 batch 16"]


def test_random_alone_is_trained_at_every_size_and_a_stored_one_called_so_at_its_own(store: Path) -> None:
    _, trained = evaluate(store, select=["random"], fractions="0.2,0.5", seeds=1)
    assert trained.trained == ["random, 20 %, seed 0", "random, 50 %, seed 0", "everything, 100 %, seed 0"]
    prune.select(store, method="random", count=9)
    _, trained = evaluate(store, select=(), fractions=(), seeds=1)
    assert trained.trained == ["random, 15 %, seed 0", "random (selection), 15 %, seed 0"]
    prune.select(store, method="random", count=9, name="everything")
    with pytest.raises(OptionError, match="called 'everything' cannot be told from"):
        evaluate(store, select=["everything"], fractions=(), seeds=1)


def test_gc_keeps_what_is_current_and_verify_looks_at_it(store: Path) -> None:
    evaluate(store, seeds=1)
    before = content(store, EVALUATION)
    prune.gc(store)
    assert content(store, EVALUATION) == before
    assert evaluate(store, seeds=1)[1].trained == []
    part = sorted((store / "columns").glob("evaluation.*/*/part-*"))[0]
    part.write_bytes(part.read_bytes()[:-1] + b"\x07")
    found = prune.verify(store)
    assert (found["whole"], found["exit_code"]) == (False, 4)
    assert "--test test --select top:one" in found["findings"][0]["command"]


def test_equal_epochs_are_steps_in_proportion(store: Path) -> None:
    result, _ = evaluate(store, steps=None, epochs=3, seeds=1)
    assert [one["steps"] for one in result["results"]] == [3, 3, 12]
    assert result["protocol"]["in_words"] == "equal epochs, 3 of each set"


def test_by_default_every_set_has_the_steps_of_ten_epochs_of_everything(store: Path) -> None:
    result, _ = evaluate(store, steps=None, dry_run=True)
    assert result["protocol"] == {
        "kind": "steps",
        "count": 40,
        "batch": 16,
        "in_words": "equal steps, 40 each",
    }


def test_a_dry_run_says_what_it_would_cost_and_trains_nothing(store: Path) -> None:
    result, trained = evaluate(store, dry_run=True, seeds=5)
    assert (result["expected"]["cells"], result["expected"]["steps"]) == (15, 15 * 24)
    assert result["expected"]["seconds"] > 0
    assert trained.trained == []
    assert not content(store, EVALUATION)
    evaluate(store, seeds=1)
    assert evaluate(store, dry_run=True, seeds=2)[0]["expected"]["cells"] == 3


def test_weights_of_a_selection_reach_the_training(store: Path) -> None:
    asked = {"steps": 8, "seeds": 1, "fractions": [0.5]}
    plain, _ = evaluate(store, select=["top:one"], **asked)
    prune.embed(store, encoder="pixels")
    result, _ = evaluate(store, select=["top:one,reweight=cluster,on=pixels"], **asked)
    recipe = Store(store).column(result["cells"][1]["cell"]).recipe["set"]
    other = Store(store).column(plain["cells"][1]["cell"]).recipe["set"]
    assert recipe["rows"] == other["rows"]
    assert (recipe["weights"] is None, other["weights"] is None) == (False, True)
    first, second = (Store(store).column(one["cells"][1]["cell"]).read() for one in (plain, result))
    assert first.shape == second.shape


def test_a_chain_chooses_among_what_the_stage_before_kept(store: Path) -> None:
    spec = "top:one,fraction=0.5>bottom:one"
    result, _ = evaluate(store, select=[spec], fractions=[0.2], seeds=1)
    recipe = Store(store).column(result["cells"][1]["cell"]).recipe["set"]
    scores = Store(store).scores()["one"]
    highest = np.argsort(-scores, kind="stable")[:30]
    expected = np.sort(highest[np.argsort(scores[highest], kind="stable")[:12]])
    assert recipe["k"] == 12
    kept = Store(store).column(of_kinds(Store(store).columns, "choice")[0]).read() >= 0
    assert set(scores[kept]) == set(scores[expected])
    with pytest.raises(OptionError, match="is to choose 36 samples of 30 that are left"):
        evaluate(store, select=[spec], fractions=[0.6], seeds=1)


def test_a_stored_selection_can_be_the_first_stage(store: Path) -> None:
    prune.select(store, method="top", score="one", count=30, name="half")
    evaluate(store, select=["bottom:one,within=half"], fractions=[0.2], seeds=1)
    made = Store(store).column(of_kinds(Store(store).columns, "choice")[0])
    scores = Store(store).scores()["one"]
    assert set(scores[made.read() >= 0]) == set(np.sort(np.sort(scores)[-30:])[:12])
    prune.select(store, method="bottom", score="one", count=30, name="half")
    _, trained = evaluate(store, select=["bottom:one,within=half"], fractions=[0.2], seeds=1)
    assert trained.trained == ["bottom:one,within=half, 20 %, seed 0"]  # that stage is another one now


def test_wrong_labels_are_for_selections_that_saw_no_label(store: Path) -> None:
    prune.embed(store, encoder="pixels")
    asked: dict[str, Any] = {"label_noise": 0.9, "steps": 24, "seeds": 1}
    noisy, _ = evaluate(store, select=["kcenter,on=pixels"], **asked)
    plain, _ = evaluate(store, select=["kcenter,on=pixels"], seeds=1)
    assert noisy["setting"] != plain["setting"]
    assert {row["label_noise"] for row in noisy["cells"]} == {0.9}
    assert [", 90 % of the labels wrong, 1 seed" in table_lines(one)[0] for one in (noisy, plain)] == [
        True,
        False,
    ]
    accuracies = [one["results"][-1]["accuracy"]["mean"] for one in (noisy, plain)]
    assert accuracies[0] < 0.3 < accuracies[1]  # 1 in 10 labels is right, of 3 classes
    for spec, why in (("top:one", "by one"), ("kcenter,on=pixels,quota=equal", "by equal quota")):
        with pytest.raises(OptionError, match=f"was chosen {why}, of the right labels"):
            evaluate(store, select=[spec], **asked)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_cells_are_written_as_a_table(store: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"cells{suffix}"
    result, _ = evaluate(store, seeds=1, out=out)
    if suffix == ".csv":
        rows = list(csv.DictReader(out.read_text().splitlines()))
        assert [row["spec"] for row in rows] == [row["spec"] for row in result["cells"]]
    else:
        assert pq.read_table(out).to_pylist() == result["cells"]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"test": None}, OptionError, "evaluate wants --test"),
        ({"test": ""}, OptionError, "--test is an empty text"),
        ({"seeds": 0}, OptionError, "--seeds must be from 1 to 1000, not 0"),
        ({"fractions": [1]}, OptionError, "keeps everything"),
        ({"fractions": "0.3,x"}, OptionError, "--fraction must be over 0"),
        ({"fractions": ()}, OptionError, "top:one wants to know how much to keep"),
        ({"steps": 10, "epochs": 3}, OptionError, "--steps and --epochs are two protocols"),
        ({"label_noise": 1.0}, OptionError, "--label-noise must be from 0"),
        ({"steps": 0}, OptionError, "--steps must be at least 1"),
        ({"model": "mpl"}, OptionError, "no proxy is called 'mpl'"),
        ({"model": "mlp", "on": "pixels"}, OptionError, "--on pixels is for --model linear"),
        ({"select": ["kcentre"]}, OptionError, "no method or selection is called 'kcentre'"),
        ({"out": "cells.txt"}, OptionError, "neither .parquet nor .csv"),
        ({"out": "no/such/cells.csv"}, OutputError, "there is no folder no/such"),
    ],
)
def test_what_cannot_be_evaluated_is_said_before_anything_is_trained(
    place: Path, asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    cells = Cells()
    given = {"test": "test", "select": ["top:one"], "fractions": [0.3]} | QUICK | asked
    with pytest.raises(error, match=said):
        prune.evaluate(place / "store", **given, settings=Settings(device="cpu", reporter=cells))
    assert cells.trained == []


@pytest.mark.parametrize("asked", [{"out": "cells.csv"}, {"plot": "cells.png"}])
def test_a_place_that_takes_no_files_is_refused_before_anything_is_trained(
    place: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).resolve() != tmp_path or mode == os.R_OK)
    cells = Cells()
    given = {"test": "test", "select": ["top:one"], "fractions": [0.3]} | QUICK | asked
    with pytest.raises(OutputError, match="takes no new files"):
        prune.evaluate(place / "store", **given, settings=Settings(device="cpu", reporter=cells))
    assert cells.trained == []


def test_a_notebook_shows_a_row_a_selection_and_gets_one_a_training(
    done: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = prune.evaluations(done[0])
    assert (len(table), len(table.rows), len(table.summaries)) == (9, 9, 3)
    assert table.to_arrow().to_pylist() == done[1]["cells"]
    shown = table._repr_html_()
    assert shown.count("<tr>") == 4  # the head, random, top and everything
    top = table.summaries[1]
    assert top.difference is not None
    for word in ("9 trainings", "top:one", "33.33", top.difference.verdict, "0.00 (b)", "everything"):
        assert f"{word}<" in shown or f">{word}" in shown
    hostile = replace(top, spec="<img src=x>\u202e", worst_class="<b>")
    told = EvaluationTable(table.rows, (hostile,))._repr_html_()
    assert not {"<img", "<b>", "\u202e"} & {word for word in ("<img", "<b>", "\u202e") if word in told}
    if importlib.util.find_spec("pandas") is not None:
        assert table.to_pandas()["accuracy"].tolist() == [row.accuracy for row in table.rows]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NoPandasError, match="pandas is not installed"):
        table.to_pandas()
