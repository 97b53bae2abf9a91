"""What a store remembers of commands, where they said nothing but their verb."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import prune
from prune import pipeline
from prune.core.progress import SILENT
from prune.steps.evaluate.request import EvaluateRequest
from prune.steps.recipe.remembered import section_of
from prune.steps.recipe.run import known_verbs
from prune.steps.settings import Settings

SETTINGS = Settings(reporter=SILENT)


def test_an_embedding_by_the_default_is_made_again(tmp_path: Path) -> None:
    texts = tmp_path / "a.jsonl"
    texts.write_text("".join(f'{{"text": "line {row} of {row % 5} others"}}\n' for row in range(20)))
    prune.embed(tmp_path / "made", str(texts), settings=SETTINGS)
    assert prune.Store(tmp_path / "made").commands["embedding.ngrams"] == "prune embed"
    recipe = tmp_path / "prune.toml"
    pipeline.recipe(tmp_path / "made", recipe)
    assert "\n[embed]\n" in recipe.read_text()
    prune.run(recipe, store=tmp_path / "again", settings=SETTINGS)
    assert set(prune.Store(tmp_path / "again").columns) == {"embedding.ngrams"}


def test_of_two_trainings_the_one_there_is_stands_in_the_file(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "labels.npy", np.arange(40) % 2)
    store, recipe = tmp_path / "made", tmp_path / "prune.toml"
    prune.embed(store, str(tmp_path / "rows.npy"), settings=SETTINGS)
    for epochs, score in ((2, "el2n"), (3, "aum")):
        prune.score(store, types=[score], training={"epochs": epochs}, settings=SETTINGS)
    before = prune.Store(store).state["columns"]["trace.0"]
    pipeline.recipe(store, recipe)
    assert re.findall("epochs = .", recipe.read_text()) == ["epochs = 3"]
    prune.run(recipe, store=store, settings=SETTINGS)
    assert prune.Store(store).state["columns"]["trace.0"] == before
    assert prune.run(recipe, store=store, settings=SETTINGS)["unchanged"] is True


def test_scores_of_folds_stand_and_other_folds_do_not(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "labels.npy", np.arange(40) % 2)
    store, recipe = tmp_path / "made", tmp_path / "prune.toml"
    prune.embed(store, str(tmp_path / "rows.npy"), settings=SETTINGS)
    prune.score(store, types=["aum"], cross_fit=2, training={"epochs": 2}, settings=SETTINGS)
    pipeline.recipe(store, recipe)
    text = recipe.read_text()
    for changed, status in (("", "would stand"), ("cross-fit = 3", "would run"), ("epochs = 3", "would run")):
        name = changed.partition(" ")[0]
        recipe.write_text(re.sub(rf"{name} = .", changed, text) if changed else text)
        steps = prune.run(recipe, store=store, dry_run=True, settings=SETTINGS)["steps"]
        assert [one["status"] for one in steps if one["verb"] == "score"] == [status]


def test_a_test_set_is_found_from_wherever_the_recipe_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "held").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    words = {"select": (), "fractions": (), "seeds": None, "choose": None, "test_labels": "y.csv"}
    made = {
        test: EvaluateRequest.of(test=test, **words).command(SETTINGS)
        for test in ("held", "more/held", "validation", "s3://bucket/held")
    }
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    found = {test: section_of(words, known_verbs())[1] for test, words in made.items()}
    here = str(tmp_path / "here")
    assert {test: held["test"] for test, held in found.items()} == {
        "held": f"{here}/held",
        "more/held": f"{here}/more/held",
        "validation": "validation",  # a split
        "s3://bucket/held": "s3://bucket/held",
    }
    assert found["held"]["test-labels"] == f"{here}/y.csv"
