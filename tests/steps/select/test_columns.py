"""Selections by columns: the budget split over their values, and only samples that meet a condition."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import prune as library
from prune.core.errors import OptionError, UnknownNameError
from prune.readers.lines.jsonl import JsonLines
from prune.store import Store

Prune = Callable[..., Any]
SITES = ["a"] * 24 + ["b"] * 12 + ["c"] * 6 + [None] * 6
N = len(SITES)


def record(number: int) -> dict[str, Any]:
    site = {} if SITES[number] is None else {"site": SITES[number]}
    rare = {"rare": 1} if number == N - 1 else {}
    text = f"sample {number} of the {'even' if number % 2 else 'odd'} kind, " + "word " * number
    return {"text": text, "label": number % 2, "n": number, "url": f"u{number}", "meta": site, **rare}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "data.jsonl").write_text("".join(f"{json.dumps(record(n))}\n" for n in range(N)))
    library.embed(folder / ".prune", str(folder / "data.jsonl"))
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "own")
    return tmp_path / "own" / ".prune"


def manifest(store: Path, name: str = "random") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(store / "selections" / name / "manifest.parquet").to_pylist()
    return found


def kept(store: Path, name: str = "random") -> list[int]:
    return [row["row"] for row in manifest(store, name) if row["selected"]]


def select(store: Path, **asked: Any) -> dict[str, Any]:
    return library.select(store, **{"method": "random", "fraction": 0.5, **asked})


def test_a_quota_is_split_over_the_values_of_a_column(store: Path) -> None:
    said = select(store, by="meta.site", quota="proportional")
    assert Counter(SITES[row] for row in kept(store)) == {"a": 12, "b": 6, "c": 3, None: 3}
    assert said["by"]["without_value"] == 6
    assert said["by"]["kept"][-1] == {"group": "(no meta.site)", "kept": 3, "of": 6}
    select(store, by="meta.site", quota="equal", fraction=None, count=20)
    assert Counter(SITES[row] for row in kept(store)) == {"a": 5, "b": 5, "c": 5, None: 5}


def test_columns_are_crossed(store: Path) -> None:
    said = select(store, by="label,meta.site")
    assert said["by"]["groups"] == 8
    assert Counter((SITES[row], row % 2) for row in kept(store))["a", 1] == 6
    assert {row["group"] for row in manifest(store)} >= {"0 / a", "1 / (no meta.site)"}


@pytest.mark.parametrize("method", ["kcenter", "herding", "graph_cut"])
def test_methods_that_run_class_by_class_run_group_by_group(method: str, store: Path) -> None:
    select(store, method=method, by="meta.site", quota="equal", fraction=None, count=8, name="of_sites")
    assert Counter(SITES[row] for row in kept(store, "of_sites")) == {"a": 2, "b": 2, "c": 2, None: 2}


def test_only_what_meets_a_condition_is_chosen_and_the_others_have_a_reason(
    store: Path, prune: Prune
) -> None:
    said = select(store, where="meta.site = 'a' or n >= 40", fraction=1)
    assert kept(store) == [n for n in range(N) if SITES[n] == "a" or n >= 40]
    assert said["where"] == {
        "condition": "meta.site = 'a' or n >= 40",
        "columns": ["meta.site", "n"],
        "met": 32,
        "not_met": 16,
        "unknown": 0,
    }
    said = select(store, where="meta.site <> 'a'", fraction=1)
    assert said["where"]["unknown"] == 6  # as in SQL: null is not kept
    reasons = Counter(row["reason"] for row in manifest(store))
    assert reasons == {"does not meet --where": 24, "lacks a value of --where": 6, None: 18}
    words = prune("why", manifest(store)[0]["key"], "--store", store).out
    assert "it was left out: it does not meet --where: meta.site <> 'a'" in words


def test_a_condition_and_groups_go_together(store: Path) -> None:
    select(store, where="length > 60", by="meta.site", quota="equal", fraction=None, count=3)
    long = [n for n in range(N) if len(record(n)["text"]) > 60]
    assert set(kept(store)) <= set(long)
    assert len({SITES[row] for row in kept(store)}) == 3


def test_a_column_is_read_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    select(store, by="meta.site")
    monkeypatch.setattr(JsonLines, "record", lambda *_: pytest.fail("read again"))
    select(store, by="meta.site", quota="equal")
    assert select(store, by="meta.site", quota="equal")["unchanged"]


def test_a_damaged_column_is_read_again(store: Path) -> None:
    select(store, by="meta.site")
    before = kept(store)
    for path in (store / "columns" / "field.meta.site").rglob("*-00000-*"):
        path.write_bytes(b"damaged")
        library.select(store, method="random", fraction=0.5, by="meta.site", name=path.name[:4])
        assert kept(store, path.name[:4]) == before


def test_what_there_is_not_is_said_with_what_there_is(store: Path) -> None:
    with pytest.raises(UnknownNameError, match="'meta.sit'") as caught:
        select(store, by="meta.sit")
    assert caught.value.hint == "did you mean 'meta.site'?"
    with pytest.raises(UnknownNameError) as caught:
        select(store, by="xyzzy")
    assert "there are text, label, n, url, meta, meta.site" in caught.value.hint
    assert "length" in caught.value.hint
    with pytest.raises(UnknownNameError) as caught:
        select(store, where='meta.site = "xyzzy"')
    assert "a text stands in single quotes" in caught.value.hint
    assert "field.xyzzy" not in Store(store).unfinished


def test_a_field_that_only_a_late_record_has_is_found(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prune.readers.fields.records.LOOKED", 5)
    select(store, where="rare = 1", fraction=1)
    assert kept(store) == [N - 1]


def test_a_late_field_is_found_also_where_another_is_called_like_it(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prune.readers.fields.records.LOOKED", 5)
    monkeypatch.setattr("prune.steps.columns.read._near", lambda *_: ["meta"])
    select(store, where="rare = 1", fraction=1)
    assert kept(store) == [N - 1]


def test_groups_of_a_selection_that_goes_on_count_what_was_kept_before(store: Path) -> None:
    select(store, fraction=1, name="all")
    said = select(store, fraction=1, given="all", by="meta.site", name="again")  # nothing is left to choose
    assert [one["kept"] for one in said["by"]["kept"]] == [24, 12, 6, 6]


def test_groups_are_named_by_all_that_tells_them_apart(tmp_path: Path) -> None:
    sites = [1700000001.0, 1700000002.0, 0.12345678, 0.12345679]
    rows = [{"text": f"text {n}", "site": sites[n % 4], "label": f"l{n % 2}"} for n in range(16)]
    (tmp_path / "data.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    bare = library.Settings(reading={"no_labels": True})
    library.embed(tmp_path / ".prune", str(tmp_path / "data.jsonl"), settings=bare)
    select(tmp_path / ".prune", by="site")
    names = {"0.12345678", "0.12345679", "1700000001", "1700000002"}
    assert {row["group"] for row in manifest(tmp_path / ".prune")} == names
    select(tmp_path / ".prune", where="label = 'l1'", fraction=1)  # that nobody reads as a label
    assert kept(tmp_path / ".prune") == list(range(1, 16, 2))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"by": "url"}, "makes 48 groups of 48 samples"),
        ({"by": "meta.site,"}, "lacks a column"),
        ({"by": "meta.site", "quota": "none"}, "splits nothing"),
        ({"by": "meta.site", "quota": "drop"}, "goes by errors of classes"),
        ({"where": "n > 1000"}, "no sample meets"),
        ({"where": "n > 'x'"}, "--where"),
        ({"where": "n > 40"}, "only 7 of 48 samples can be chosen"),
    ],
)
def test_what_cannot_be_chosen_by_is_two_lines(asked: dict[str, Any], message: str, store: Path) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        select(store, **asked)
    assert caught.value.hint


def test_a_spec_may_split_over_a_column_and_has_no_condition(store: Path) -> None:
    from prune.steps.evaluate.spec import parse_spec

    stage = parse_spec("random,by=meta.site,quota=equal", [], sized=True).stages[0]
    assert stage.asked == {"by": "meta.site", "quota": "equal"}
    with pytest.raises(UnknownNameError):
        parse_spec("random,where=n", [], sized=True)


def test_it_goes_through_a_recipe(store: Path, prune: Prune, tmp_path: Path) -> None:
    select(store, by="meta.site", where="n < 40 and meta.site is not null")
    file = tmp_path / "prune.toml"
    prune("status", "--store", store, "--recipe", "--out", file)
    assert "unchanged" in prune("run", file).out


def test_facts_of_images_and_places_of_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(8):
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (10 + number, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    turned = Image.new("RGB", (30, 5))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "data" / "a" / "turned.jpg", exif=exif)
    store = tmp_path / ".prune"
    library.embed(store, str(tmp_path / "data"), encoder="pixels")
    select(store, where="height >= 15 and width = 20 and folder = 'a' and bytes > 0", fraction=1)
    found = {row["key"]: row["selected"] for row in manifest(store)}
    assert [key for key, chosen in found.items() if chosen] == ["a/6.png"]
    select(store, where="width = 5 and height = 30", fraction=1)
    assert [row["key"] for row in manifest(store) if row["selected"]] == ["a/turned.jpg"]
    with pytest.raises(UnknownNameError) as caught:
        select(store, where="heigth > 1")
    assert "did you mean 'height'?" in caught.value.hint
