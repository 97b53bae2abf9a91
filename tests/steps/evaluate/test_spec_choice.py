"""The choice of a SPEC: what `select` would keep, and made again where the data that it goes by changed."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError
from prune.core.progress import SILENT
from prune.steps.evaluate.costs import selecting_seconds
from prune.steps.evaluate.spec import parse_spec
from prune.steps.evaluate.spec_choice import chosen_set, is_chosen
from prune.steps.evaluate.training_sets import TrainingSet, stored_set
from prune.steps.evaluate.wrong_labels import require_blind
from prune.steps.settings import Settings
from prune.store import Store

from .conftest import draw

SETTINGS = Settings(device="cpu", reporter=SILENT)


@pytest.fixture(scope="module")
def store(place: Path) -> Store:
    prune.embed(place / "store", encoder="pixels", settings=SETTINGS)
    return Store(place / "store")


def chosen(store: Store, text: str, fraction: str | None = "0.2") -> TrainingSet:
    spec = parse_spec(text, store.state["selections"], ["one"], sized=True)
    with store.writing(wait=False, say=print):
        return chosen_set(store, spec, fraction, SETTINGS)


def there(store: Store, text: str) -> bool:
    with store.writing(wait=False, say=print):
        return is_chosen(store, parse_spec(text, (), ["one"], sized=True), "0.2", SETTINGS)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("top:one,fraction=0.5", "bottom:one"),
        ("random,fraction=0.7,quota=equal", "top:one,drop_hardest=0.1"),
        ("kcenter,fraction=0.6,on=pixels", "stratified:one,quota=proportional"),
        ("top:one,fraction=0.7,drop_hardest=0.1", "herding,on=pixels,quota=none"),
    ],
)
def test_a_chain_keeps_what_two_selections_keep(store: Store, first: str, second: str) -> None:
    within: dict[str, Any] = {}
    both = parse_spec(f"{first}>{second}", (), ["one"], sized=True)
    for name, stage in zip(("one", "two"), both.stages, strict=True):
        asked = {"fraction": "0.2", "score": stage.score, **stage.asked, **within}
        prune.select(store, method=stage.method, options=stage.options, name=name, **asked, settings=SETTINGS)
        within = {"within": name}
    made = chosen(store, both.text)
    assert made.rows.tolist() == store.selection("two").rows.tolist()
    assert set(made.about["from"]) == set(stored_set(store, "two").about["from"])
    assert made.about["quota"] == stored_set(store, "two").about["quota"]


def test_within_is_for_the_first_stage(store: Store) -> None:
    prune.select(store, method="top", score="one", fraction=0.5, name="half", settings=SETTINGS)
    with pytest.raises(OptionError, match="chooses within what the stage before it kept") as refused:
        chosen(store, "random,fraction=0.5>top:one,within=half")
    made = chosen(store, refused.value.hint.removeprefix("--select '").removesuffix("'"))
    assert set(made.rows) <= set(store.selection("half").rows)


def test_what_stands_behind_an_earlier_selection_counts(store: Store) -> None:
    prune.select(
        store, method="top", score="one", fraction=0.5, quota="equal", name="half", settings=SETTINGS
    )
    prune.select(
        store, method="random", fraction=0.2, quota="none", within="half", name="part", settings=SETTINGS
    )
    for made in (chosen(store, "random,quota=none,within=half"), stored_set(store, "part")):
        assert "score.one" in made.about["from"]
        assert made.about["quota"] == "equal"
        with pytest.raises(OptionError, match="was chosen by one, of the right labels"):
            require_blind(store, made, 0.1)
    seconds = [store.selection(name).about["seconds"]["select"]["total"] for name in ("half", "part")]
    assert selecting_seconds(store, stored_set(store, "part").about) == pytest.approx(sum(seconds))


def test_a_quota_of_any_stage_looked_at_labels(store: Store) -> None:
    made = chosen(store, "kcenter,on=pixels,fraction=0.5,quota=equal>random,quota=none")
    with pytest.raises(OptionError, match="was chosen by equal quota"):
        require_blind(store, made, 0.1)


def test_a_target_that_changed_is_matched_anew(store: Store, tmp_path: Path) -> None:
    draw(tmp_path / "like", 4, 3)
    text = f"gio,on=pixels,target={tmp_path / 'like'}"
    made = chosen(store, text)
    assert there(store, text)
    shutil.rmtree(tmp_path / "like" / "a")
    shutil.rmtree(tmp_path / "like" / "b")
    assert not there(store, text)
    assert chosen(store, text).rows.tolist() != made.rows.tolist()
    features = tmp_path / "features.npy"
    for rows in ([0, 1], [58, 59]):
        np.save(features, store.column("embedding.pixels").read()[rows])
        text = f"gio,on=pixels,target={features}"
        assert not there(store, text)
        chosen(store, text)
        assert there(store, text)


def test_leaks_of_data_that_changed_are_left_out_anew(store: Store, place: Path, tmp_path: Path) -> None:
    draw(tmp_path / "held", 2, 5)
    text = f"top:one,drop_leaks={tmp_path / 'held'}"
    made = chosen(store, text)
    keys = store.dataset.samples["key"].to_pylist()
    shutil.copy(place / "data" / "train" / keys[made.rows[0]], tmp_path / "held" / "a" / "copy.png")
    assert not there(store, text)
    again = chosen(store, text)
    assert made.rows[0] not in again.rows
    assert len(again.rows) == len(made.rows)


def test_a_list_of_suspects_that_changed_is_read_anew(store: Store, tmp_path: Path) -> None:
    keys = store.dataset.samples["key"].to_pylist()
    listed, text = tmp_path / "suspects.csv", f"top:one,drop_suspects={tmp_path / 'suspects.csv'}"
    for row in (19, 18):
        listed.write_text(f"key\n{keys[row]}\n")
        assert row not in chosen(store, text).rows


def test_a_spec_says_in_which_of_several_embeddings_it_computes(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.path, tmp_path / "store")
    two = Store(tmp_path / "store")
    np.save(tmp_path / "own.npy", np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    prune.embed(two, features=str(tmp_path / "own.npy"), settings=SETTINGS)
    with pytest.raises(OptionError, match="there are several embeddings") as refused:
        chosen(two, "random,fraction=0.5>kcenter")
    words = shlex.split(refused.value.hint, comments=True)
    assert words == ["--select", "random,fraction=0.5>kcenter,on=pixels"]
    assert len(chosen(two, words[1]).rows) == 12
    assert len(chosen(two, "random").rows) == 12  # which computes in none
