"""A dataset that grew or changed: only what is new is read, and the column is that of a run from zero."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.core.errors import StoreError
from prune.encoders import open_encoder, restore_from
from prune.steps.settings import Settings
from prune.store import Store
from tests.growing import BASE, EDITS, IMAGES, TEXTS, png, text, write


@pytest.mark.parametrize(
    ("kind", "edit"),
    [("imagefolder", edit) for edit in EDITS]
    + [(kind, edit) for kind in IMAGES[1:] for edit in ("renamed", "duplicated", "all at once")],
)
def test_images_equal_a_run_from_zero(tmp_path: Path, kind: str, edit: str, read: list[str]) -> None:
    files, new = EDITS[edit]
    store, data = tmp_path / "store", write(kind, tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    write(kind, tmp_path / "data", files)
    read.clear()
    done = pipeline.embed(store, data, encoder="pixels")
    assert len(read) == new
    assert (done["growth"]["read"], done["growth"]["kept"]) == (new, done["n"] - new)
    pipeline.embed(tmp_path / "fresh", data, encoder="pixels")
    grown, fresh = Store(store), Store(tmp_path / "fresh")
    assert grown.state["columns"] == fresh.state["columns"]
    assert grown.state["dataset"] == fresh.state["dataset"]
    assert grown.column("embedding.pixels").files == fresh.column("embedding.pixels").files
    read.clear()
    again = pipeline.embed(store, data, encoder="pixels")
    assert (again["unchanged"], again["growth"], read) == (True, None, [])


@pytest.mark.parametrize("edit", ["renamed", "all at once"])
@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_seen_as_before(tmp_path: Path, kind: str, edit: str, read: list[str]) -> None:
    """What `ngrams` learnt stays, so that every row is what it would have said then."""
    files, new = EDITS[edit]
    store, data = tmp_path / "store", write(kind, tmp_path / "data", BASE)
    pipeline.embed(store, data)
    learnt = Store(store).column("embedding.ngrams")
    write(kind, tmp_path / "data", files)
    read.clear()
    done = pipeline.embed(store, data)
    assert len(read) == new == done["growth"]["read"]
    column = Store(store).column("embedding.ngrams")
    assert column.recipe["learnt_from"] == learnt.recipe["learnt_from"] != Store(store).state["dataset"]
    encoder = open_encoder("ngrams", learns_from=column.recipe["learnt_from"])
    restore_from(encoder, learnt)
    texts = [text(n) for name in sorted(files) for n in files[name]]
    expected = encoder.encode(encoder.prepared(texts)[0]).astype(np.float16)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(column.read(), expected)
    anew = pipeline.embed(store, data, settings=Settings(refresh=True))
    assert (anew["growth"], anew["unchanged"]) == (None, False)
    assert Store(store).column("embedding.ngrams").recipe["learnt_from"] == Store(store).state["dataset"]


def test_texts_that_were_cut_are_counted_as_in_a_run_from_zero(tmp_path: Path) -> None:
    root, long = tmp_path / "data", "word " * 20_001
    root.mkdir()
    (root / "a.jsonl").write_text(
        "".join(json.dumps({"text": t}) + "\n" for t in ("one", long, "two", "three"))
    )
    pipeline.embed(tmp_path / "store", str(root))
    (root / "0.jsonl").write_text(json.dumps({"text": f"{long} more"}) + "\n")
    assert pipeline.embed(tmp_path / "store", str(root))["cut"]["samples"] == 2
    (root / "0.jsonl").unlink()
    done = pipeline.embed(tmp_path / "store", str(root))
    assert (done["cut"]["samples"], done["growth"]["read"]) == (1, 0)


def test_two_growths_in_a_row_with_rejects_among_the_new(tmp_path: Path, read: list[str]) -> None:
    store, data = tmp_path / "store", write("imagefolder", tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    (tmp_path / "data/class0/bad.png").write_bytes(png(70)[:60])
    skip = Settings(on_error="skip", max_bad=0.2)
    pipeline.embed(store, data, encoder="pixels", settings=skip)
    read.clear()
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    done = pipeline.embed(store, data, encoder="pixels", settings=skip)
    assert (done["rejects"], done["growth"]["new"]) == (1, 1)
    assert read == ["class0/bad.png", "class1/zz.png"]  # what could not be read is tried again
    pipeline.embed(tmp_path / "fresh", data, encoder="pixels", settings=skip)
    grown, fresh = (Store(at).column("embedding.pixels") for at in (store, tmp_path / "fresh"))
    assert grown.files == fresh.files


def test_labels_alone_cost_nothing(tmp_path: Path, read: list[str]) -> None:
    store, data = tmp_path / "store", write("imagefolder", tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    (tmp_path / "data/class0/s1-0.png").rename(tmp_path / "data/class1/s1-0.png")
    read.clear()
    growth = pipeline.embed(store, data, encoder="pixels")["growth"]
    assert (read, growth["moved"], growth["relabelled"], growth["same"]) == ([], 1, 1, 15)


def test_another_encoder_or_type_is_not_carried_over(tmp_path: Path, read: list[str]) -> None:
    store, data = tmp_path / "store", write("imagefolder", tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    write("imagefolder", tmp_path / "data", EDITS["added"][0])
    read.clear()
    done = pipeline.embed(store, data, encoder="pixels", dtype="float32")
    assert (len(read), done["growth"]["read"], done["growth"]["kept"]) == (18, 18, 0)


def test_rows_of_another_shape_are_other_images(tmp_path: Path, read: list[str]) -> None:
    """The bytes of every row are as they were, and say something else."""
    store, data = tmp_path / "store", write("arrays", tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    rows = np.load(data)
    np.save(data, rows.reshape(len(rows), 3, 9, 9))
    read.clear()
    growth = pipeline.embed(store, data, encoder="pixels")["growth"]
    assert (growth["same"], growth["read"], growth["kept"], len(read)) == (15, 15, 0, 15)
    pipeline.embed(tmp_path / "fresh", data, encoder="pixels")
    grown, fresh = (Store(at).column("embedding.pixels") for at in (store, tmp_path / "fresh"))
    assert grown.files == fresh.files
    assert pipeline.verify(store)["whole"]


def test_another_dataset_is_refused(tmp_path: Path) -> None:
    store, data = tmp_path / "store", write("imagefolder", tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    other = write("imagefolder", tmp_path / "other", {"s1": [40, 41, 42, 43], "s2": [0, 45, 46, 47]})
    with pytest.raises(StoreError, match="stale: .*, and only 1 of 8 samples are as they were") as told:
        pipeline.embed(store, other, encoder="pixels")
    assert "--refresh" in told.value.hint
    assert pipeline.embed(store, other, encoder="pixels", settings=Settings(refresh=True))["growth"] is None


def test_a_damaged_column_is_not_carried_over(tmp_path: Path, read: list[str]) -> None:
    store, data = tmp_path / "store", write("imagefolder", tmp_path / "data", BASE)
    pipeline.embed(store, data, encoder="pixels")
    part = next((store / "columns/embedding.pixels").rglob("part-*"))
    part.write_bytes(part.read_bytes()[:-1])
    write("imagefolder", tmp_path / "data", EDITS["added"][0])
    read.clear()
    assert pipeline.embed(store, data, encoder="pixels")["growth"]["read"] == 18 == len(read)


def test_what_is_of_the_dataset_before_is_kept_and_refused(
    tmp_path: Path, prune: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("imagefolder", tmp_path / "data", BASE)
    assert prune("embed", "--encoder", "pixels", "data").code == 0
    assert prune("score", "--type", "input_norm").code == 0
    assert prune("select", "--method", "kcenter", "--count", 4, "--name", "mine").code == 0
    write("imagefolder", tmp_path / "data", EDITS["added"][0])
    refused = prune("export", "--format", "manifest")
    assert (refused.code, "prune embed" in refused.err.splitlines()[-1]) == (4, True)
    grown = prune("embed", "--encoder", "pixels", "data")
    assert "embedding.pixels: 3 to encode, 15 kept" in grown.err
    assert "still of the dataset before: score.input_norm and selection mine" in grown.err
    assert "3 samples read, 15 rows kept" in grown.out
    about = json.loads(prune("status", "--json").out)
    assert set(about["earlier"]) == {"score.input_norm", "selections/mine"}
    for words in (
        ("export", "--format", "manifest"),
        ("export", "--format", "manifest", "--selection", "mine"),
    ):
        told = prune(*words)
        assert (told.code, "stale: the dataset of .prune changed" in told.err) == (4, True)
        assert "prune select --method kcenter --count 4 --name mine" in told.err
    assert prune("gc").out.startswith("nothing to remove") is False  # the old embedding
    assert prune("verify").code == 0
    assert prune("select", "--method", "kcenter", "--count", 4, "--name", "mine").code == 0
    assert prune("export", "--format", "manifest").code == 0
    assert set(json.loads(prune("status", "--json").out)["earlier"]) == {"score.input_norm"}
    columns = {path.name for path in (tmp_path / ".prune/columns").iterdir()}
    assert prune("gc").code == 0
    assert {path.name for path in (tmp_path / ".prune/columns").iterdir()} == columns
