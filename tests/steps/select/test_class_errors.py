"""Averages over traces by hand, and errors of classes from a file."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from prune.core.errors import DataError, MissingColumnError, OptionError
from prune.core.quota import budgets
from prune.proxy import FACTS
from prune.steps.select.class_errors import class_errors, easiness, errors_in
from prune.store import Store, identity

N, T = 6, 10
LABELS = np.array([0, 0, 1, 1, 2, -1])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two traces of ten epochs, of p_y = 0.5 and 0.25; sample 0 is wrong at the last epoch."""
    store = Store(tmp_path / "store")
    columns = {}
    with store.writing():
        for run, p in enumerate((0.5, 0.25)):
            trace = np.ones((T, len(FACTS), N), np.float16)
            trace[:, FACTS.index("p_label")] = p
            trace[-1, FACTS.index("margin"), 0] = -1
            trace[0, FACTS.index("margin")] = -1  # early mistakes do not count
            trace[:, :, 5] = np.nan
            recipe = {"column": f"trace.{run}"}
            writer = store.write_column(f"trace.{run}", recipe, rows=T, part_rows=1)
            for part in writer.missing():
                writer.put(part, trace[part.start : part.stop])
            writer.finish()
            columns[f"trace.{run}"] = identity(writer.recipe)
        store.publish(columns=columns)
    return store


def test_easiness_is_the_mean_over_the_runs_that_the_score_comes_from(store: Store) -> None:
    of_all = easiness(store, SimpleNamespace(recipe={}))
    assert of_all[:5].tolist() == [0.375] * 5
    assert np.isnan(of_all[5])
    one = {"trace.1": store.state["columns"]["trace.1"], "probs": "x"}
    assert easiness(store, SimpleNamespace(recipe={"from": one}))[0] == 0.25


def test_classes_are_as_wrong_as_their_samples_late_in_training(store: Store) -> None:
    found = class_errors(store, SimpleNamespace(labels=LABELS, classes=list("abc")), np.arange(N))
    # Two of ten epochs count; sample 0 is wrong at one of them: half a mistake in five samples, 0.1.
    assert found.values.tolist() == pytest.approx([0.1 * 1.5 / 1.2, 0.1 / 1.2, 0.1 / 1.1])
    assert not found.held_out
    assert found.source == "trace.0, trace.1: training samples, the last 2 epochs"


def test_no_mistakes_tell_no_classes_apart_and_only_these_samples_count(store: Store) -> None:
    found = class_errors(store, SimpleNamespace(labels=LABELS, classes=list("abc")), np.arange(1, N))
    assert found.values.tolist() == [0, 0, 0]
    sizes = np.array([1000, 100, 10])
    shares = budgets(sizes, 111, "drop", errors=found.values)
    assert shares.tolist() == budgets(sizes, 111, "proportional").tolist()


def test_easiness_is_of_the_epochs_that_the_score_looks_at(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    trace = np.zeros((T, len(FACTS), N), np.float16)
    trace[:, FACTS.index("p_label")] = np.arange(T)[:, None] / 16
    recipe = {"column": "trace.0", "folds": ["a", "b"]}
    with store.writing():
        writer = store.write_column("trace.0", recipe, rows=T, part_rows=3)
        for part in writer.missing():
            writer.put(part, trace[part.start : part.stop])
        writer.finish()
        store.publish(columns={"trace.0": identity(recipe)})
    for options, mean in (({"first": 3, "last": 8}, 4.5), ({"last": 4}, 1.5), ({"first": None}, 4.5)):
        found = easiness(store, SimpleNamespace(recipe={"options": options}))
        assert found.tolist() == [mean / 16] * N
    errors = class_errors(store, SimpleNamespace(labels=LABELS, classes=list("abc")), np.arange(N))
    assert errors.held_out
    assert errors.source == "trace.0: samples held out by --cross-fit, the last 2 epochs"


def test_without_a_trace_there_is_a_command_that_makes_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    with store.writing():
        store.publish(columns={})
    with pytest.raises(MissingColumnError, match=r"there is no column 'trace\.0'") as caught:
        easiness(store, SimpleNamespace(recipe={}))
    assert caught.value.hint.startswith("prune score")


def test_errors_come_by_name_or_in_order(tmp_path: Path) -> None:
    named, ordered = tmp_path / "e.json", tmp_path / "e.npy"
    named.write_text(json.dumps({"cat": 0.25, "ant": 0.5, "other": 1}))
    np.save(ordered, np.array([0.5, 0.25], np.float32))
    for path in (named, ordered):
        assert errors_in(path, ["ant", "cat"]).values.tolist() == [0.5, 0.25]
    assert errors_in(named, ["ant"]).source == str(named)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('{"ant": 0.5}', OptionError, "has no error for 1 of 2 classes; the first is 'cat'"),
        ("[0.5]", OptionError, r"has the shape \(1,\), but there are 2 classes"),
        ("[0.5, 2]", OptionError, r"span \[0.5, 2.0\], not 0 to 1"),
        ("[0.5, NaN]", OptionError, "not 0 to 1"),
        ('["a", "b"]', OptionError, "errors that are not numbers"),
        ("{", DataError, "cannot be read"),
    ],
)
def test_files_that_say_no_errors(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    (tmp_path / "e.json").write_text(text)
    with pytest.raises(error, match=message):
        errors_in(tmp_path / "e.json", ["ant", "cat"])
    with pytest.raises(OptionError, match="there is no file"):
        errors_in(tmp_path / "none.json", ["ant", "cat"])
