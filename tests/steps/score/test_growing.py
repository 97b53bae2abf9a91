"""Scores of a dataset that grew: only what is new is read, and it is scored by the proxy that is there."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from prune import pipeline
from prune.core.errors import StoreError
from prune.core.progress import Advance
from prune.proxy.models import build
from prune.steps.settings import Settings
from prune.store import Store
from tests.growing import BASE, EDITS, Files, png, write

MLP = {"proxy": "mlp", "size": 8, "epochs": 3, "flip": False}
NGRAM = {"proxy": "ngram", "epochs": 3}
REFRESH = Settings(refresh=True)


class Stages:
    """A reporter that remembers what was trained."""

    def __init__(self) -> None:
        self.trainings: list[str] = []

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        self.trainings += [what] if total and what.startswith("training") else []
        yield lambda done: None  # noqa: ARG005

    def say(self, message: str) -> None:
        pass


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], str]:
    """Copy a dataset of a format, with a store that has scores of it; return what DATA is."""
    root = tmp_path_factory.mktemp("scored")

    def copy(kind: str, home: Path) -> str:
        if not (root / kind).exists():
            data = write(kind, root / kind / "data", BASE)
            training = NGRAM if kind in {"jsonl", "csv"} else MLP
            pipeline.score(root / kind / "store", data, types=["el2n", "aum"], training=training)
        shutil.copytree(root / kind, home, dirs_exist_ok=True)
        return str(home / "data" / ("x.npy" if kind == "arrays" else ""))

    return copy


def grow(kind: str, home: Path, files: Files) -> str:
    return write(kind, home / "data", files)


def by_content(store: Store, name: str) -> dict[tuple[bytes, str], float]:
    """The scores of a store by what they are of: the bytes of a sample and its label."""
    dataset = store.dataset
    digests, names = dataset.samples["digest"].to_pylist(), np.array([*dataset.classes, ""], object)
    labels = names[dataset.labels]
    return dict(zip(zip(digests, labels, strict=True), store.scores()[name].tolist(), strict=True))


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("webdataset", "added"),
        *(
            (kind, "all at once")
            for kind in ("imagefolder", "webdataset", "parquet", "arrays", "jsonl", "csv")
        ),
    ],
)
def test_only_what_is_new_is_read_and_what_stayed_keeps_its_scores(
    tmp_path: Path, scored: Callable[[str, Path], str], kind: str, edit: str, read: list[str]
) -> None:
    data, (files, new) = scored(kind, tmp_path), EDITS[edit]
    before = {name: by_content(Store(tmp_path / "store"), name) for name in ("el2n", "aum")}
    grow(kind, tmp_path, files)
    read.clear()
    done = pipeline.score(tmp_path / "store", data, types=["el2n", "aum"])
    store = Store(tmp_path / "store")
    assert len(read) == new == done["growth"]["read"]
    for name, then in before.items():
        now = by_content(store, name)
        assert {of: now[of] for of in now.keys() & then.keys()} == {
            of: then[of] for of in now.keys() & then.keys()
        }
        assert np.isfinite(list(now.values())).all()
        later = store.column(f"score.{name}.later").read()
        known = [of in then for of in now]
        digests = list(zip(store.dataset.samples["digest"].to_pylist(), later.tolist(), strict=True))
        assert {digest for digest, flag in digests if flag}.isdisjoint({digest for digest, _ in then})
        assert sum(not one for one in known) == len({d for d, flag in digests if flag})
        assert done["scores"][name]["later"] == int(later.sum())
        assert done["scores"][name]["measured"]["by"] == "control"
    state = (tmp_path / "store/store.json").read_bytes()
    read.clear()
    again = pipeline.score(tmp_path / "store", data, types=["el2n", "aum"])
    assert (again["unchanged"], again["growth"], read) == (True, None, [])
    assert again["scores"] == done["scores"]
    assert (tmp_path / "store/store.json").read_bytes() == state
    assert pipeline.verify(tmp_path / "store")["whole"]


def test_new_samples_have_what_the_proxy_says_that_never_saw_them(
    tmp_path: Path, scored: Callable[[str, Path], str]
) -> None:
    data = scored("webdataset", tmp_path)
    old = np.asarray(Store(tmp_path / "store").column("images.8").read(), np.float64)
    grow("webdataset", tmp_path, EDITS["added"][0])
    pipeline.score(tmp_path / "store", data, types=["el2n"], options=["epoch=2"])
    store = Store(tmp_path / "store")
    network = build("mlp", (3, 8, 8), 2)
    network.load_state_dict(safetensors.torch.load(store.column("trace.0").attachment("weights", 2)))
    mean, spread = old.mean((0, 2, 3))[:, None, None], old.std((0, 2, 3))[:, None, None]
    new = np.asarray(store.column("images.8").read()[15:], np.float64)
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(((new - mean) / spread).astype(np.float32)))
    errors = logits.softmax(1).numpy() - np.eye(2)[store.dataset.labels[15:]]
    np.testing.assert_allclose(store.scores()["el2n"][15:], np.linalg.norm(errors, axis=1), atol=2e-3)


def test_it_goes_on_growing_and_other_scores_come_of_the_same_trace(
    tmp_path: Path, scored: Callable[[str, Path], str], read: list[str]
) -> None:
    data = scored("imagefolder", tmp_path)
    grow("imagefolder", tmp_path, EDITS["added"][0])
    pipeline.score(tmp_path / "store", data, types=["el2n"])
    others, told = ["loss", "grad_norm", "forgetting", "prototype"], Stages()
    done = pipeline.score(tmp_path / "store", data, types=others, settings=Settings(reporter=told))
    assert {name: about.get("later") for name, about in done["scores"].items()} == {
        "loss": 3, "grad_norm": 3, "forgetting": 3, "prototype": None,
    }  # fmt: skip
    assert not told.trainings
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    read.clear()
    done = pipeline.score(tmp_path / "store", data, types=["el2n", "grad_norm"])
    assert read == ["class1/zz.png"]
    assert (done["growth"]["new"], done["scores"]["el2n"]["later"]) == (1, 4)
    (tmp_path / "data/class1/zz.png").rename(tmp_path / "data/class1/aa.png")
    scores = sorted(Store(tmp_path / "store").scores()["el2n"].tolist())
    told = Stages()
    read.clear()
    quiet = Settings(reporter=told)
    done = pipeline.score(tmp_path / "store", data, types=["el2n", "grad_norm"], settings=quiet)
    assert (read, done["growth"]["moved"], done["growth"]["kept"]) == ([], 1, 19)
    assert sorted(Store(tmp_path / "store").scores()["el2n"].tolist()) == scores
    assert not told.trainings  # of a control neither
    assert pipeline.verify(tmp_path / "store")["whole"]


def test_a_changed_label_counts_as_new(
    tmp_path: Path, scored: Callable[[str, Path], str], read: list[str]
) -> None:
    data = scored("imagefolder", tmp_path)
    (tmp_path / "data/class0/s1-0.png").rename(tmp_path / "data/class1/s1-0.png")
    read.clear()
    done = pipeline.score(tmp_path / "store", data, types=["el2n"])
    store = Store(tmp_path / "store")
    later = np.flatnonzero(store.column("score.el2n.later").read())
    assert [store.dataset.keys[row] for row in later] == ["class1/s1-0.png"]
    assert (read, done["growth"]["relabelled"]) == ([], 1)  # its pixels are as they were


def test_from_zero_where_that_is_asked_for(tmp_path: Path, scored: Callable[[str, Path], str]) -> None:
    data = scored("parquet", tmp_path)
    grow("parquet", tmp_path, EDITS["added"][0])
    pipeline.score(tmp_path / "store", data, types=["el2n"])
    done = pipeline.score(tmp_path / "store", types=["el2n"], training=MLP, settings=REFRESH)
    assert "later" not in done["scores"]["el2n"]
    pipeline.score(tmp_path / "fresh", data, types=["el2n"], training=MLP)
    anew, fresh = (Store(at).state["columns"] for at in (tmp_path / "store", tmp_path / "fresh"))
    assert {name: anew[name] for name in fresh} == fresh
    assert not [name for name in anew if "control" in name or "later" in name]


def test_a_class_that_is_new_is_refused_with_what_to_type(
    tmp_path: Path, scored: Callable[[str, Path], str]
) -> None:
    data = scored("imagefolder", tmp_path)
    (tmp_path / "data/other").mkdir()
    (tmp_path / "data/other/1.png").write_bytes(png(90))
    with pytest.raises(
        StoreError, match="stale: .* the proxy knows other classes: other came or went"
    ) as told:
        pipeline.score(tmp_path / "store", data, types=["el2n"])
    assert "--refresh" in told.value.hint
    assert told.value.hint.startswith("prune score --store")
    pipeline.score(tmp_path / "store", data, types=["el2n"], settings=REFRESH)


def test_more_runs_than_were_trained_are_refused(tmp_path: Path, scored: Callable[[str, Path], str]) -> None:
    data = scored("imagefolder", tmp_path)
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    with pytest.raises(StoreError, match="only 1 of 2 runs were trained before the dataset grew"):
        pipeline.score(tmp_path / "store", data, types=["el2n"], runs=2)
    done = pipeline.score(tmp_path / "store", data, types=["el2n"], runs=2, settings=REFRESH)
    assert done["runs"] == 2


def test_runs_and_what_stands_still_go_on(tmp_path: Path) -> None:
    data = write("imagefolder", tmp_path / "data", BASE)
    asked: dict[str, Any] = {"types": ["el2n"], "training": MLP, "until_stable": 0.01}
    pipeline.score(tmp_path / "epochs", data, **asked, runs=1)
    pipeline.score(tmp_path / "runs", data, **asked, runs=4)
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    for place, runs in (("epochs", 1), ("runs", 4)):
        then = Store(tmp_path / place).column("trace.0").shape
        done = pipeline.score(tmp_path / place, data, **asked, runs=runs)
        assert Store(tmp_path / place).column("trace.0").shape == (*then[:2], then[2] + 1)
        assert (done["scores"]["el2n"]["later"], done["growth"]["read"]) == (1, 1)
        assert pipeline.score(tmp_path / place, data, **asked, runs=runs)["unchanged"]


def test_without_the_weights_of_its_epoch_a_score_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a store of a version that kept the last weights only, or of a large network."""
    monkeypatch.setattr("prune.proxy.resumable_training.stored_epochs", lambda training, _: [training.last])
    data = write("imagefolder", tmp_path / "data", BASE)
    pipeline.score(tmp_path / "store", data, types=["el2n", "aum"], training=MLP)
    monkeypatch.undo()
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    done = pipeline.score(tmp_path / "store", data, types=["el2n", "aum", "forgetting"])
    store = Store(tmp_path / "store")
    row = store.dataset.keys.index("class1/zz.png")
    for name in ("el2n", "aum", "forgetting"):
        assert done["scores"][name]["extrapolated"] == 1
        assert done["scores"][name]["measured"]["by"] == "neighbours"
        assert np.flatnonzero(store.column(f"score.{name}.extrapolated").read()).tolist() == [row]
        assert np.isfinite(store.scores()[name]).all()
    last = pipeline.score(tmp_path / "store", data, types=["el2n"], options=["epoch=3"])
    assert last["scores"]["el2n"]["later"] == 1
    assert "trace.0.control" in store.state["columns"]


def test_the_command_and_the_status_say_what_was_done(
    tmp_path: Path, scored: Callable[[str, Path], str], prune: Callable[..., Any]
) -> None:
    data = scored("imagefolder", tmp_path)
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    out = prune("score", "--store", tmp_path / "store", "--type", "el2n", data).out
    status = prune("status", "--store", tmp_path / "store").out
    assert "1 samples read, 15 rows kept" in out
    for told in (out, status):
        assert (
            "  1 new sample held out: the proxy never trained on them; see the column score.el2n.later"
            in told
        )
        assert "  how far that may be: 7 old samples scored so, by a proxy that trained on 8 others:" in told
    about = json.loads(prune("status", "--store", tmp_path / "store", "--json").out)["columns"]["score.el2n"]
    assert (about["later"], about["measured"]["samples"], about["measured"]["learnt"]) == (1, 7, 8)


def test_samples_that_nothing_before_was_made_of_are_removed(
    tmp_path: Path, scored: Callable[[str, Path], str]
) -> None:
    data = scored("imagefolder", tmp_path)
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    pipeline.embed(tmp_path / "store", data, encoder="pixels")
    (old,) = (tmp_path / "store/columns/images.8").iterdir()
    pipeline.gc(tmp_path / "store")
    assert old.exists()  # the proxy of before looked at them, and may be carried over
    pipeline.score(tmp_path / "store", types=["el2n"], training={**MLP, "size": 12, "epochs": 1})
    pipeline.gc(tmp_path / "store")
    assert not old.exists()


def test_embed_may_take_the_dataset_in_first(
    tmp_path: Path, scored: Callable[[str, Path], str], read: list[str]
) -> None:
    data = scored("webdataset", tmp_path)
    grow("webdataset", tmp_path, EDITS["added"][0])
    pipeline.embed(tmp_path / "store", data, encoder="pixels")
    read.clear()
    done = pipeline.score(tmp_path / "store", types=["el2n"])
    assert len(read) == 3 == done["growth"]["new"] == done["scores"]["el2n"]["later"]


def test_your_own_training_and_your_own_scores(tmp_path: Path, scored: Callable[[str, Path], str]) -> None:
    data = scored("imagefolder", tmp_path)
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    rows = "".join(
        f"{path.parent.name}/{path.name},{n}\n" for n, path in enumerate(tmp_path.glob("data/*/*"))
    )
    (tmp_path / "mine.csv").write_text(f"key,mine\n{rows}")
    done = pipeline.score(tmp_path / "store", data, imports=str(tmp_path / "mine.csv"), high="hard")
    assert done["scores"]["mine"]["samples"] == 16
    assert "el2n" not in Store(tmp_path / "store").scores()
    assert pipeline.score(tmp_path / "store", types=["el2n"])["scores"]["el2n"]["later"] == 1


def test_folds_and_parts_stay_as_they_were_drawn(tmp_path: Path) -> None:
    data = write("imagefolder", tmp_path / "data", BASE)
    ways: dict[str, dict[str, Any]] = {"folds": {"cross_fit": 2}, "part": {"on_fraction": 0.6}}
    for place, way in ways.items():
        pipeline.score(tmp_path / place, data, types=["el2n"], training=MLP, **way)
    before = {place: by_content(Store(tmp_path / place), "el2n") for place in ways}
    for number in (71, 72, 73):
        (tmp_path / f"data/class{number % 2}/new{number}.png").write_bytes(png(number))
    for place, way in ways.items():
        told = Stages()
        quiet = Settings(reporter=told)
        done = pipeline.score(tmp_path / place, data, types=["el2n"], settings=quiet)
        now = by_content(Store(tmp_path / place), "el2n")
        assert not told.trainings
        assert (done["growth"]["read"], done["scores"]["el2n"]["samples"]) == (3, 18)
        assert pipeline.score(tmp_path / place, data, types=["el2n"], **way)["unchanged"]
        if place == "folds":  # what is filled in by neighbours may have nearer ones now
            assert {of: now[of] for of in before[place]} == before[place]
            assert done["cross_fit"] == 2
        else:
            assert done["scores"]["el2n"]["extrapolated"] == 9
            assert done["scores"]["el2n"]["measured"]["by"] == "neighbours"
