"""Data that changed is noticed by its content: verbs that cannot take it in exit 4 and name what differs."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from prune import pipeline
from prune.core.errors import DataError, StoreError
from prune.steps.settings import Settings
from prune.store import Store, identity

Call = Callable[..., Any]
TABLE = "Changed data"
MLP = {"proxy": "mlp", "epochs": 1, "size": 8}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, dataset_of: Call) -> Call:
    """Give a home with the store of a dataset of a kind, selected from, and the place of the data in it."""
    root = tmp_path_factory.mktemp("made")

    def copy(kind: str, home: Path) -> tuple[Path, str]:
        if not (root / kind).exists():
            (root / kind).mkdir()
            pipeline.embed(root / kind / "store", dataset_of(kind, root / kind / "data"), encoder="pixels")
            pipeline.select(root / kind / "store", method="random", count=5)
        shutil.copytree(root / kind, home)
        time.sleep(0.03)  # so that the scan is kept, and could be taken for the data
        data = str(home / "data" / ("x.npy" if kind == "arrays" else ""))
        pipeline.embed(home / "store", data, encoder="pixels")
        return home / "store", data

    return copy


def verbs(store: Path, out: Path) -> dict[str, Call]:
    return {
        "select": lambda: pipeline.select(store, method="random", count=3),
        "export": lambda: pipeline.export(store, format="manifest", out=out),
    }


KINDS = ("imagefolder", "webdataset", "parquet", "arrow", "arrays")
CHANGES = ("changed", "added", "removed", "swapped", "relabelled", "truncated")


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_later_verb_refuses(
    tmp_path: Path, made: Call, tally: Call, kind: str, what: str, change: Call
) -> None:
    store, data = made(kind, tmp_path / "home")
    before = sorted(store.rglob("*"))
    named = change(kind, what, tmp_path / "home/data")
    asked = verbs(store, tmp_path / "out")
    for verb, run in asked.items():
        with pytest.raises(StoreError, match="stale: ") as told:
            run()
        assert told.value.exit_code == 4
        assert named in str(told.value), verb
        assert told.value.hint
    assert sorted(store.rglob("*.npy")) == [path for path in before if path.suffix == ".npy"]
    assert not (tmp_path / "out").exists()
    tally(TABLE, what, "cases", len(asked))
    if what == "truncated":  # nothing reads it
        return
    skip = Settings(on_error="skip", max_bad=0.2)  # of a change of a byte nothing but noise may come
    assert pipeline.embed(store, data, encoder="pixels", settings=skip)["growth"] is not None
    asked["select"]()
    asked["export"]()


@pytest.mark.parametrize("kind", KINDS)
def test_touch_move_and_copy_change_nothing(tmp_path: Path, made: Call, tally: Call, kind: str) -> None:
    store, data = made(kind, tmp_path / "home")
    state = (store / "store.json").read_bytes()
    for path in (tmp_path / "home/data").rglob("*"):
        os.utime(path, (4e9, 4e9))
    pipeline.embed(store, data, encoder="pixels")
    (tmp_path / "home").rename(tmp_path / "moved")
    pipeline.embed(tmp_path / "moved/store", encoder="pixels")
    pipeline.export(tmp_path / "moved/store", format="manifest", out=tmp_path / "out")
    shutil.copytree(tmp_path / "moved/data", tmp_path / "copy")
    copied = str(tmp_path / "copy" / ("x.npy" if kind == "arrays" else ""))
    pipeline.embed(tmp_path / "moved/store", copied, encoder="pixels")
    assert (tmp_path / "moved/store/store.json").read_bytes() == state
    tally(TABLE, "touched, moved, copied: nothing is refused", "cases", 4)


def test_data_that_is_out_of_reach_is_not_changed_data(tmp_path: Path, made: Call) -> None:
    store, data = made("webdataset", tmp_path / "home")
    Path(data).rename(tmp_path / "away")
    pipeline.select(store, method="random", count=3)
    with pytest.raises(DataError, match="no longer at"):
        pipeline.export(store, format="manifest", out=tmp_path / "out")


def test_a_pattern_that_lacks_a_shard(tmp_path: Path, tally: Call, dataset_of: Call) -> None:
    dataset_of("webdataset", tmp_path / "data")
    pattern = str(tmp_path / "data/s{0..1}.tar")
    pipeline.embed(tmp_path / "store", pattern, encoder="pixels")
    (tmp_path / "data/s1.tar").unlink()
    with pytest.raises(StoreError, match=r"stale: .*s1\.tar"):
        pipeline.score(tmp_path / "store", pattern, types=["el2n"], training=MLP)
    with pytest.raises(StoreError, match=r"stale: .*s1\.tar"):
        pipeline.select(tmp_path / "store", method="random", count=3)
    tally(TABLE, "removed", "cases", 2)


def test_labels_that_lie_elsewhere_move_along_and_are_missed(
    tmp_path: Path, dataset_of: Call, tally: Call
) -> None:
    (tmp_path / "one").mkdir()
    where, labels = dataset_of("arrays", tmp_path / "one/data"), tmp_path / "one/labels"
    labels.mkdir()
    (tmp_path / "one/data/y.npy").rename(labels / "mine.npy")
    reading = {"labels": str(labels / "mine.npy")}
    pipeline.embed(tmp_path / "one/store", where, encoder="pixels", settings=Settings(reading=reading))
    (tmp_path / "one").rename(tmp_path / "two")
    pipeline.embed(tmp_path / "two/store", encoder="pixels")
    (tmp_path / "two/labels/mine.npy").unlink()
    with pytest.raises(StoreError, match=r"stale: .*mine\.npy"):
        pipeline.select(tmp_path / "two/store", method="random", count=2)
    tally(TABLE, "removed", "cases")


def test_class_names_beside_the_shards(tmp_path: Path, tally: Call, dataset_of: Call) -> None:
    dataset_of("webdataset", tmp_path / "data")
    (tmp_path / "data/classnames.txt").write_text("cat\ndog\n")
    pipeline.embed(tmp_path / "store", str(tmp_path / "data"), encoder="pixels")
    (tmp_path / "data/classnames.txt").write_text("cat\nfox\n")
    with pytest.raises(StoreError, match="stale: class 1 is 'fox', not 'dog', since"):
        pipeline.select(tmp_path / "store", method="random", count=2)
    tally(TABLE, "relabelled", "cases")


def test_a_change_that_bears_the_time_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Call, folder: Call
) -> None:
    """Written twice within a step of the file system's clock: same size, times and inode."""
    folder(tmp_path / "data", range(6))
    image, real = tmp_path / "data/class0/00.png", os.stat
    frozen = real(image)

    def stat(path: object, *words: Any, **options: Any) -> os.stat_result:
        return frozen if str(path) == str(image) else real(path, *words, **options)

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr("prune.readers.scan.time.time_ns", lambda: frozen.st_ctime_ns + 1_000_000)
    pipeline.embed(tmp_path / "store", str(tmp_path / "data"), encoder="pixels")
    data = bytearray(image.read_bytes())
    data[len(data) // 2] ^= 1
    image.write_bytes(data)
    with pytest.raises(StoreError, match="stale: class0/00.png changed"):
        pipeline.select(tmp_path / "store", method="random", count=2)
    tally(TABLE, "changed", "cases")


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_between_the_scan_and_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Call, kind: str, change: Call, dataset_of: Call
) -> None:
    from prune.steps import dataset_session

    data, scan = dataset_of(kind, tmp_path / "data"), dataset_session.scan

    def scan_then_change(*words: Any, **options: Any) -> object:
        found = scan(*words, **options)
        monkeypatch.setattr(dataset_session, "scan", scan)
        change(kind, "changed", tmp_path / "data")
        return found

    monkeypatch.setattr(dataset_session, "scan", scan_then_change)
    with pytest.raises(StoreError, match="stale: .* changed while it was read"):
        pipeline.score(tmp_path / "store", data, types=["input_norm"])
    assert Store(tmp_path / "store").columns_if_any == []
    tally(TABLE, "changed while a command runs", "cases")


def test_what_is_imported_is_looked_at_anew(tmp_path: Path, tally: Call, folder: Call) -> None:
    """Features, scores and checkpoints are taken as they are when the command runs."""
    folder(tmp_path / "data", range(6))
    store, data = tmp_path / "store", str(tmp_path / "data")
    keys = Store(store).dataset.keys if pipeline.embed(store, data, encoder="pixels") else []
    scores, features = tmp_path / "s.csv", tmp_path / "f.npy"
    seen = []
    for turn in (0, 0, 1):
        scores.write_text("key,mine\n" + "".join(f"{key},{i + turn}\n" for i, key in enumerate(keys)))
        np.save(features, np.eye(6, 4, k=turn))
        pipeline.score(store, imports=str(scores), high="hard")
        pipeline.embed(store, features=str(features))
        seen.append(
            [identity(Store(store).column(c).recipe) for c in ("score.mine", "embedding.precomputed")]
        )
    assert seen[0] == seen[1]
    assert all(one != two for one, two in zip(seen[0], seen[2], strict=True))
    assert Store(store).column("score.mine").read().tolist() == [1, 2, 3, 4, 5, 6]
    tally(TABLE, "scores, features or weights of one's own, changed", "cases", 2)


def test_a_checkpoint_with_other_weights(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch, tally: Call, folder: Call
) -> None:
    monkeypatch.syspath_prepend(sources)
    folder(tmp_path / "data", range(6))
    store, file = tmp_path / "store", tmp_path / "w.safetensors"
    state = safetensors.torch.load_file(sources / "w.safetensors")
    shutil.copy(sources / "w.safetensors", file)
    words = {"types": ["el2n"], "checkpoint": {"file": str(file), "factory": "faulty_nets:net"}}
    seen = []
    for weights in (state, state, {name: value + 0.1 * torch.sign(value) for name, value in state.items()}):
        safetensors.torch.save_file(weights, file)
        pipeline.score(store, str(tmp_path / "data"), training={"size": 8}, **words)
        seen.append(Store(store).state["columns"]["score.el2n"])
    assert seen[0] == seen[1] != seen[2]
    tally(TABLE, "scores, features or weights of one's own, changed", "cases")


def test_a_target_that_changed(tmp_path: Path, tally: Call, folder: Call, png: Call) -> None:
    folder(tmp_path / "data", range(12))
    folder(tmp_path / "target", range(30, 34))
    store, target = tmp_path / "store", tmp_path / "target"
    pipeline.embed(store, str(tmp_path / "data"), encoder="pixels")
    chosen = {"method": "gio", "count": 4, "on": "pixels"}
    pipeline.select(store, target=str(target), **chosen)
    (target / "class0/00.png").write_bytes(png(0))
    pipeline.select(store, target=str(target), **chosen)
    assert len(list((store / "targets").iterdir())) == 2  # another dataset, looked at by itself
    own = tmp_path / "own"
    pipeline.embed(own, str(target), encoder="pixels")
    pipeline.select(store, target=str(own), **chosen)
    (target / "class0/00.png").write_bytes(png(1))
    with pytest.raises(StoreError, match=r"stale: class0/00.png changed since .*own was made"):
        pipeline.select(store, target=str(own), **chosen)
    tally(TABLE, "a target that changed", "cases", 2)


@pytest.mark.parametrize(
    ("chosen", "again"),
    [
        ({"method": "kcenter", "on": "pixels"}, "embedding.pixels"),
        ({"method": "top", "score": "el2n"}, "score.el2n"),
        ({"method": "random", "drop_hardest": 0.2, "drop_by": "el2n"}, "score.el2n"),
        ({"method": "craig", "quota": "none"}, "embedding.proxy"),
    ],
)
def test_a_selection_that_is_older_than_what_it_was_chosen_by(
    tmp_path: Path, tally: Call, chosen: dict[str, object], again: str, folder: Call
) -> None:
    folder(tmp_path / "data", range(12))
    store, data = tmp_path / "store", str(tmp_path / "data")
    pipeline.embed(store, data, encoder="pixels")
    pipeline.score(store, types=["el2n"], training=MLP)
    pipeline.select(store, count=4, name="mine", **chosen)
    pipeline.score(store, types=["input_norm"])  # it has no part in it
    pipeline.export(store, format="manifest", out=tmp_path / "out")
    if again == "embedding.pixels":
        pipeline.embed(store, encoder="pixels", dtype="float32")
    else:
        pipeline.score(store, types=["el2n"], training={**MLP, "epochs": 2})
    with pytest.raises(StoreError, match=rf"stale: {again} was made again since the selection 'mine'"):
        pipeline.export(store, format="manifest", out=tmp_path / "late")
    pipeline.export(store, format="manifest", out=tmp_path / "named", selection="mine")  # it is meant
    pipeline.select(store, count=4, name="mine", **chosen)
    pipeline.export(store, format="manifest", out=tmp_path / "late")
    tally(TABLE, "a selection older than its scores or embedding", "cases")


def test_formats_of_other_versions(tmp_path: Path, tally: Call) -> None:
    golden = Path(__file__).parent.parent / "data"
    shutil.copytree(golden, tmp_path / "data")
    store = tmp_path / "data/store-v1"
    pipeline.export(store, format="manifest", out=tmp_path / "out")  # an older one is read
    state = json.loads((store / "store.json").read_bytes())
    (store / "store.json").write_text(json.dumps({**state, "format": 99}))
    late = verbs(store, tmp_path / "late")
    late["score"] = lambda: pipeline.score(store, str(tmp_path / "data/images"), types=["el2n"], training=MLP)
    for run in late.values():
        with pytest.raises(StoreError, match="has format 99, this prune reads up to"):
            run()
    tally(TABLE, "a store of a newer version; of an older one, read", "cases", 5)
