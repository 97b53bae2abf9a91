"""Labels in doubt: the list, the table, the folder, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune import pipeline
from prune.core.column_name import HELD_OUT
from prune.core.errors import DataError, MissingColumnError, OptionError, OutputError, UnknownNameError
from prune.steps.settings import Settings
from prune.store import Store, identity

QUICK: dict[str, Any] = {"proxy": "mlp", "epochs": 2, "size": 8}
CPU = Settings(device="cpu")
WRONG = (3, 24)  # rows whose prediction contradicts the label


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with forty images and their store, with predictions that are written by hand."""
    place = tmp_path_factory.mktemp("suspects")
    for label in ("=cat", "a\u202eb"):
        (place / "data" / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / "data" / label / f"{number:02d}.png")
    store = Store(place / "store")
    pipeline.score(store, str(place / "data"), types=["aum"], training=QUICK, settings=CPU)
    probs = np.repeat(np.array([[0.9, 0.1], [0.2, 0.8]], np.float16), 20, axis=0)
    probs[3], probs[24] = [0.05, 0.95], [0.92, 0.08]
    with store.writing():
        recipe = {"column": HELD_OUT, "version": 1, "traces": [], "epoch": 2}
        writer = store.write_column(HELD_OUT, recipe, rows=40)
        for part in writer.missing():
            writer.put(part, probs[part.start : part.stop])
        writer.finish()
        store.publish(columns={HELD_OUT: identity(recipe)})
    return place


def keys(store: Store, rows: tuple[int, ...]) -> list[str]:
    return [store.dataset.samples["key"][row].as_py() for row in rows]


def test_the_most_doubtful_comes_first(made: Path) -> None:
    store = Store(made / "store")
    found = pipeline.suspects(store)
    assert (found["found"], found["n"], found["by"], found["held_out"]) == (2, 40, "confident", True)
    assert [one["key"] for one in found["list"]] == keys(store, WRONG)
    first = found["list"][0]
    assert (first["rank"], first["given"], first["likely"]) == (1, "=cat", "a\u202eb")
    assert first["confidence"] == pytest.approx(0.95, abs=1e-3)
    assert "confident" in first["by"].split("+")
    assert pipeline.suspects(store, first=1)["list"] == found["list"][:1]
    assert json.dumps(found)


def test_a_table_is_written_once_and_never_over_another(made: Path, elsewhere: Path) -> None:
    store = made / "store"
    assert not pipeline.suspects(store, out="list.csv")["unchanged"]
    assert pipeline.suspects(store, out="list.csv")["unchanged"]
    table = pyarrow.csv.read_csv("list.csv")
    assert table.column_names == ["rank", "key", "given", "likely", "confidence", "by"]
    assert table["key"].to_pylist() == keys(Store(store), WRONG)
    pipeline.suspects(store, out="list.parquet")
    assert pq.read_table("list.parquet")["given"].to_pylist() == table["given"].to_pylist()
    edited = Path("list.csv").read_text().replace("=cat", "dog")
    Path("list.csv").write_text(edited)
    with pytest.raises(OutputError, match="is there, and not this table"):
        pipeline.suspects(store, out="list.csv")
    assert Path("list.csv").read_text() == edited
    pipeline.suspects(store, out="list.csv", overwrite=True)
    assert Path("list.csv").read_text() != edited


def test_a_link_is_replaced_and_not_followed(made: Path, elsewhere: Path) -> None:
    Path("mine.txt").write_text("mine")
    Path("list.csv").symlink_to("mine.txt")
    with pytest.raises(OutputError, match="is there"):
        pipeline.suspects(made / "store", out="list.csv")
    pipeline.suspects(made / "store", out="list.csv", overwrite=True)
    assert Path("mine.txt").read_text() == "mine"
    Path("pictures").symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(OutputError):
        pipeline.suspects(made / "store", out="pictures", overwrite=True)


def test_a_folder_holds_the_samples_named_by_both_classes(made: Path, elsewhere: Path) -> None:
    store = Store(made / "store")
    result = pipeline.suspects(store, out="pictures")
    assert (result["out"], result["unchanged"]) == ("pictures", False)
    listed = pyarrow.csv.read_csv("pictures/suspects.csv").to_pylist()
    names = [one["file"] for one in listed]
    assert names == ["01_given-=cat_likely-a_b_03.png", "02_given-a_b_likely-=cat_04.png"]
    for one in listed:
        assert (Path("pictures") / one["file"]).read_bytes() == (made / "data" / one["key"]).read_bytes()
    assert pipeline.suspects(store, out="pictures")["unchanged"]
    assert pipeline.verify(store, "pictures", settings=CPU)["whole"]
    (Path("pictures") / names[0]).unlink()
    finding = pipeline.verify(store, "pictures", settings=CPU)["findings"][0]
    assert "prune suspects" in finding["command"]
    Path("theirs").mkdir()
    (Path("theirs") / "note").write_text("x")
    with pytest.raises(OutputError):
        pipeline.suspects(store, out="theirs", overwrite=True)
    with pytest.raises(OutputError, match="lies in the store"):
        pipeline.suspects(store, out=store.path / "pictures")
    with pytest.raises(OptionError, match="no table that is written here"):
        pipeline.suspects(store, out="list.json")


def test_a_score_doubts_by_its_two_normals(images: Path, elsewhere: Path) -> None:
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.normal(size=(400, 4)).astype(np.float32))
    np.save("y.npy", np.arange(400) % 2)
    hard = rng.normal(0, 0.1, 400)
    hard[:40] += 3
    rows = "".join(f"{row},{value}\n" for row, value in enumerate(hard))
    Path("hard.csv").write_text(f"key,mine\n{rows}")
    reading = {"labels": "y.npy"}
    asked = {"settings": Settings(device="cpu", reading=reading)}
    pipeline.embed("s", "x.npy", encoder="precomputed", **asked)
    pipeline.score("s", "x.npy", imports="hard.csv", high="hard", **asked)
    found = pipeline.suspects("s")
    assert (found["by"], found["found"], found["held_out"]) == ("mine", 40, None)
    assert {one["likely"] for one in found["list"]} == {None}
    assert {int(one["key"]) for one in found["list"]} == set(range(40))
    assert found["list"][0]["key"] == str(int(hard.argmax()))
    with pytest.raises(DataError, match="matrix of features"):
        pipeline.suspects("s", out="pictures")
    with pytest.raises(MissingColumnError, match="no predictions to learn from"):
        pipeline.suspects("s", by="confident")


def test_what_says_nothing_of_labels_is_refused(made: Path, elsewhere: Path, images: Path) -> None:
    with pytest.raises(UnknownNameError, match="no rule or score is called 'confidnt'") as wrong:
        pipeline.suspects(made / "store", by="confidnt")
    assert wrong.value.hint == "did you mean 'confident'?"
    with pytest.raises(MissingColumnError, match=r"no column 'score\.el2n'"):
        pipeline.suspects(made / "store", by="el2n")
    pipeline.score("s", str(images), types=["input_norm"], settings=CPU)
    with pytest.raises(OptionError, match="score input_norm does not say how badly a label fits"):
        pipeline.suspects("s", by="input_norm")
    for by in (None, "nothing"):
        with pytest.raises(MissingColumnError, match="nothing that doubts labels"):
            pipeline.suspects("s", by=by)
