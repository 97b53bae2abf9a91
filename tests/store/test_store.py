from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.errors import StoreError
from prune.store import SAMPLES, Dataset, Store, samples


def dataset(**changes: list[object]) -> Dataset:
    columns = {
        "key": ["a", "b", "c", "d"],
        "shard": [None] * 4,
        "offset": [None] * 4,
        "size": [None] * 4,
        "image_offset": [None] * 4,
        "image_size": [3] * 4,
        "index": [None] * 4,
        "label": [0, 1, None, 1],
        "digest": [b"0" * 16, b"1" * 16, b"0" * 16, None],
        "reason": [None, None, None, "it is empty"],
    }
    return Dataset("imagefolder", None, ["x", "y"], {}, pa.table(columns | changes, schema=SAMPLES))


def test_a_dataset_says_what_it_holds() -> None:
    d = dataset()
    assert d.labels.tolist() == [0, 1, -1, 1]
    assert d.usable.tolist() == [0, 1, 2]
    assert d.rejects == {3: "it is empty"}
    assert d.originals.tolist() == [0, 1, 0, 3]


def test_a_dataset_comes_back_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.publish(dataset=store.write_dataset(dataset()))
    assert store.dataset.samples.equals(dataset().samples)
    assert store.dataset.fingerprint == dataset().fingerprint


@pytest.mark.parametrize(
    ("column", "values"),
    [("key", ["a", "b", "c", "e"]), ("label", [0, 0, None, 1]), ("digest", [b"2" * 16] * 4)],
)
def test_every_fact_is_in_the_fingerprint(column: str, values: list[object]) -> None:
    assert dataset(**{column: values}).fingerprint != dataset().fingerprint


def test_no_store_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store") as caught:
        _ = Store(tmp_path / "none").state
    assert caught.value.hint.startswith("prune score")


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(StoreError, match="has format 99, this prune reads up to 1"):
        _ = Store(tmp_path).state


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(StoreError, match=r"store\.json is damaged"):
        _ = Store(tmp_path).state


def test_a_state_that_was_altered_is_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.writing():
        store.publish(selections={"one": "1", "two": "2"}, latest="one")
    path = tmp_path / "store/store.json"
    path.write_text(path.read_text().replace('"latest": "one"', '"latest": "two"'))
    with pytest.raises(StoreError, match=r"store\.json is damaged") as caught:
        _ = store.state
    assert caught.value.hint.startswith(f"rm {path}")


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with (
        pytest.raises(StoreError, match=r"not a prune store and not empty .*thesis"),
        Store(tmp_path).writing(),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_new_dataset_hides_what_was_known_about_the_old_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.publish(dataset="one", columns={"score.x": "1"}, selections={"s": "2"}, latest="s")
    store.publish(dataset="two")
    assert store.state == {"format": 1, "dataset": "two", "columns": {}, "selections": {}}


HOLD = """
import sys, time
from prune.store import Store
with Store(sys.argv[1]).writing():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_refused_and_a_dead_one_blocks_nobody(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(StoreError, match=f"in use by pid {holder.pid} on") as caught,
        Store(tmp_path).writing(),
    ):
        pass
    assert "--wait" in caught.value.hint
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with Store(tmp_path).writing():
        pass


def test_a_dataset_is_read_through_once_to_know_that_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")
    with store.writing():
        fingerprint = store.write_dataset(dataset())
        store.publish(dataset=fingerprint)
    read, real = [], samples.read_dataset
    monkeypatch.setattr(samples, "read_dataset", lambda *words: (read.append(words), real(*words))[1])
    assert store.holds_dataset(fingerprint)
    assert Store(store.path).holds_dataset(fingerprint)
    assert len(read) == 1
    assert not store.holds_dataset("0" * 64)
    (table,) = store.path.rglob("samples-*.parquet")
    table.write_bytes(table.read_bytes()[:-1] + b"!!")
    assert not store.holds_dataset(fingerprint)
    table.unlink()
    assert not store.holds_dataset(fingerprint)
