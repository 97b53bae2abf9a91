"""`select --given SELECTION`: what was kept stays, on data that grew too; `--replace` says what changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prune import pipeline
from prune.core.errors import OptionError, StoreError
from prune.store import Store, read_selection, settle_selection, write_selection


def draw(root: Path, *numbers: int) -> None:
    for number in numbers:
        path = root / f"class{number % 2}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of 20 images, of which `first` keeps 6."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "data", *range(20))
    pipeline.embed(".prune", "data", encoder="pixels")
    pipeline.select(".prune", method="kcenter", count=6, name="first")
    return tmp_path


def grow(root: Path) -> None:
    """Five new images, one renamed, and of those that `first` keeps one gone."""
    draw(root / "data", *range(20, 25))
    kept = Store(".prune").selection("first").keys
    (root / "data" / kept[0]).unlink()
    (root / "data" / kept[1]).rename(root / "data/class1/renamed.png")
    pipeline.embed(".prune", "data", encoder="pixels")


def test_what_was_kept_comes_first_and_more_is_added(made: Path) -> None:
    before = Store(".prune").selection("first")
    done = pipeline.select(".prune", method="kcenter", count=9, given="first", name="second")
    churn = {name: done["churn"][name] for name in ("given", "k", "kept", "evicted", "gone", "added")}
    assert churn == {"given": "first", "k": 6, "kept": 6, "evicted": 0, "gone": 0, "added": 3}
    after = Store(".prune").selection("second")
    assert set(before.keys) < set(after.keys)
    assert len(after) == done["k"] == 9
    ranks = dict(zip(after.keys, after.ranks, strict=True))
    assert [ranks[key] for key in before.keys] == before.ranks.tolist()
    assert done["nested"] is False  # a smaller budget would not have begun with them


def test_it_starts_from_what_was_kept(made: Path) -> None:
    """Farthest-first goes on as if it had never stopped: the first six of nine, and then the same three."""
    keys = set(Store(".prune").selection("first").keys)
    pipeline.select(".prune", method="kcenter", count=9, given="first", name="second", quota="none")
    pipeline.select(".prune", method="kcenter", count=9, name="whole", quota="none")
    whole = Store(".prune").selection("whole").keys
    assert keys <= set(whole)
    assert set(Store(".prune").selection("second").keys) == set(whole)


def test_of_data_that_grew_it_is_found_by_content(made: Path) -> None:
    kept = Store(".prune").selection("first").keys.tolist()
    then = Store(".prune").state["dataset"]
    grow(made)
    done = pipeline.select(".prune", method="kcenter", count=8, given="first", name="second")
    assert done["churn"]["dataset"] == then != done["dataset"]["fingerprint"]
    assert [done["churn"][name] for name in ("k", "kept", "gone", "added")] == [6, 5, 1, 3]
    assert {"class1/renamed.png", *kept[2:]} < set(Store(".prune").selection("second").keys)


def test_under_its_own_name_the_same_command_is_the_same_choice(made: Path) -> None:
    grow(made)
    words: dict[str, Any] = {"method": "kcenter", "count": 8, "given": "first", "name": "first"}
    once = pipeline.select(".prune", **words)
    again = pipeline.select(".prune", **words)
    assert (once["unchanged"], again["unchanged"]) == (False, True)
    assert again["churn"] == once["churn"]
    more = pipeline.select(".prune", **{**words, "count": 9})
    assert [more["churn"][name] for name in ("k", "kept", "added")] == [8, 8, 1]
    assert "first" not in Store(".prune").earlier.selections
    same = pipeline.select(".prune", **{**words, "count": 9})
    assert (same["unchanged"], same["churn"]) == (True, more["churn"])


def test_a_budget_below_what_was_kept_wants_replace(made: Path) -> None:
    with pytest.raises(OptionError, match="asks for 4 samples, and first keeps 6 already") as told:
        pipeline.select(".prune", method="kcenter", count=4, given="first", name="second")
    assert "--count 6, or add --replace" in told.value.hint
    same = pipeline.select(".prune", method="kcenter", count=6, given="first", name="second")
    assert (same["k"], same["churn"]["added"]) == (6, 0)
    fewer = pipeline.select(".prune", method="random", count=4, given="first", replace=True, name="second")
    churn = fewer["churn"]
    assert churn["kept"] + churn["evicted"] == 6
    assert churn["kept"] + churn["added"] == 4 == fewer["k"]
    pipeline.select(".prune", method="random", count=4, name="plain")
    assert fewer["keys_sha256"] == Store(".prune").selection("plain").about["keys_sha256"]
    with pytest.raises(OptionError, match="--replace is about what a selection kept"):
        pipeline.select(".prune", method="random", count=4, replace=True)


def test_what_may_not_be_chosen_goes(made: Path) -> None:
    first = Store(".prune").selection("first").keys.tolist()
    done = pipeline.select(
        ".prune", method="kcenter", count=8, given="first", name="second", drop_suspects=first[:2]
    )
    assert [done["churn"][name] for name in ("kept", "evicted", "added")] == [4, 2, 4]
    assert not set(first[:2]) & set(Store(".prune").selection("second").keys)


def test_as_it_is_typed(made: Path, prune: Callable[..., Any]) -> None:
    grow(made)
    said = prune("select", "--method", "kcenter", "--count", 8, "--given", "first", "--name", "first")
    assert said.code == 0, said.err
    assert (
        "of the 6 that first kept: 5 kept, 0 evicted; 1 are not in the dataset any more; 3 added" in said.out
    )
    assert (
        "--given first"
        in json.loads((made / ".prune/timings.json").read_bytes())["commands"]["selections/first"]
    )
    wrong = prune("select", "--method", "kcenter", "--count", 8, "--given", "frist")
    assert (wrong.code, "selections: first" in wrong.err) == (2, True)
    Path("keys.txt").write_text("class1/renamed.png\n")
    keys = prune(
        "select", "--method", "kcenter", "--count", 3, "--given", "keys.txt", "--name", "beside", "--json"
    )
    assert "churn" not in json.loads(keys.out)  # keys are chosen beside it, as ever
    assert "class1/renamed.png" not in Store(".prune").selection("beside").keys


def test_weights_are_not_carried_on(made: Path, prune: Callable[..., Any]) -> None:
    assert (
        prune("select", "--method", "kcenter", "--count", 4, "--reweight", "cluster", "--name", "w").code == 0
    )
    said = prune("select", "--method", "kcenter", "--count", 6, "--given", "w", "--name", "v")
    assert "the weights of w are not carried on" in said.err


def test_what_can_be_chosen_counts_what_was_kept(made: Path) -> None:
    words: dict[str, Any] = {"method": "kcenter", "given": "first", "name": "second"}
    with pytest.raises(OptionError, match="--count 40 asks for 40 samples, but only 20 of 20") as told:
        pipeline.select(".prune", count=40, **words)
    assert told.value.hint == "--count 20"
    assert pipeline.select(".prune", count=20, **words)["churn"]["added"] == 14


def test_what_a_stopped_select_left_is_still_gone_on_from(made: Path) -> None:
    """Killed before it was published: the earlier selection of the same name waits beside the new one."""
    then = Store(".prune").state["dataset"]
    grow(made)
    pipeline.select(".prune", method="random", count=3, name="other")
    other = read_selection(Store(".prune"), "other")
    write_selection(Store(".prune"), "first", other.manifest, other.about)
    pipeline.gc(".prune")
    assert Store(".prune").earlier_dataset(then) is not None
    done = pipeline.select(".prune", method="kcenter", count=8, given="first", name="second")
    assert [done["churn"][name] for name in ("k", "kept", "gone")] == [6, 5, 1]
    settle_selection(Store(".prune"), "first")
    assert [path.name for path in Path(".prune/selections").glob("*first*")] == ["first"]
    shutil.copytree(
        ".prune/selections/other", ".prune/selections/.first.old"
    )  # as one stopped before it grew
    settle_selection(Store(".prune"), "first")
    assert pipeline.select(".prune", method="kcenter", count=8, given="first", name="second")["unchanged"]


def test_where_its_samples_are_not_known_any_more_nothing_is_taken_by_its_key(made: Path) -> None:
    then = Store(".prune").state["dataset"]
    grow(made)
    shutil.rmtree(f".prune/datasets/{then[:16]}")
    with pytest.raises(StoreError, match="first was chosen from are not in .prune any more") as told:
        pipeline.select(".prune", method="kcenter", count=8, given="first", name="second")
    assert "leave --given out" in told.value.hint


def test_a_damaged_one_is_told(made: Path) -> None:
    path = made / ".prune/selections/first/manifest.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="missing or damaged"):
        pipeline.select(".prune", method="kcenter", count=8, given="first", name="second")
