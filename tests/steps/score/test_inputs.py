"""Scores get what they need and no more: an embedding instead of a proxy, windows without a new training."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import DataError, MissingColumnError, OptionError
from prune.scorers import SCORERS
from prune.steps.score.inputs import rehearse
from prune.steps.settings import Settings
from prune.store import Store

TRAINING = {"proxy": "mlp", "epochs": 5, "size": 8}


class Listener:
    """A reporter that keeps what was said, and which stages had something to do."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stages: list[str] = []

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        if total:
            self.stages.append(what)
        return contextlib.nullcontext(lambda _: None)

    def say(self, message: str) -> None:
        self.said.append(message)


def score(store: Path, data: Path | None, *types: str, heard: Listener | None = None, **more: Any) -> Store:
    settings = Settings(device="cpu", on_error="skip", max_bad=0.5, reporter=heard or Listener())
    given = {"training": None if data is None else TRAINING, "settings": settings, **more}
    prune.score(store, None if data is None else str(data), types=types, **given)
    return Store(store)


def embed(store: Path, data: Path, encoder: str = "pixels") -> None:
    settings = Settings(device="cpu", on_error="skip", max_bad=0.5)
    prune.embed(store, str(data), encoder=encoder, settings=settings)


@pytest.fixture
def unlabelled(images: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "flat"
    folder.mkdir()
    for path in images.glob("*/*.png"):
        shutil.copy(path, folder / path.name)
    return folder


def test_all_scores_at_once(images: Path, tmp_path: Path) -> None:
    on_images = [name for name, method in SCORERS.items() if not {"texts", "captions"} & set(method.needs)]
    store = score(tmp_path / "s", images, *on_images)
    for name in on_images:
        values = store.column(f"score.{name}").read()
        assert values.dtype == np.float32
        assert np.isfinite(values).all(), name
        assert store.column(f"score.{name}").recipe["high"] == SCORERS[name].high


def test_an_embedding_is_enough_for_scores_of_an_embedding(images: Path, tmp_path: Path) -> None:
    heard = Listener()
    embed(tmp_path / "s", images)
    store = score(tmp_path / "s", None, "prototype", "density", "class_median", heard=heard)
    assert not any(stage.startswith("training") for stage in heard.stages)
    assert [c for c in store.columns if not c.startswith("score.")] == ["embedding.pixels"]
    made_from = store.column("score.prototype").recipe
    assert list(made_from["from"]) == ["embedding.pixels"]
    assert made_from["seed"] == 0


def test_neighbours_that_were_found_are_not_looked_for_again(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(tmp_path / "s", images)
    before = score(tmp_path / "s", None, "density").column("score.density").read()

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("neighbours were looked for")

    monkeypatch.setattr("prune.index.neighbours.nearest", refuse)
    np.testing.assert_array_equal(
        score(tmp_path / "s", None, "density").column("score.density").read(), before
    )
    with pytest.raises(AssertionError, match="looked for"):
        score(tmp_path / "s", None, "density", options=["neighbours=3"])


def test_without_an_embedding_a_proxy_is_trained_and_then_used_as_it_is(images: Path, tmp_path: Path) -> None:
    heard = Listener()
    store = score(tmp_path / "s", images, "density", heard=heard)
    assert "training mlp, run 0" in heard.stages
    before = store.column("score.density").read()
    heard = Listener()
    store = score(tmp_path / "s", None, "density", heard=heard)
    assert heard.stages == []
    np.testing.assert_array_equal(store.column("score.density").read(), before)
    score(tmp_path / "s", None, "density", heard=heard, training={**TRAINING, "epochs": 2})
    assert "training mlp, run 0" in heard.stages  # another proxy is asked for


def test_unlabelled_samples_have_a_density_and_prototypes(unlabelled: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="density needs an embedding, or labels to train a proxy on"
    ) as caught:
        score(tmp_path / "s", unlabelled, "density")
    assert "prune embed" in str(caught.value.hint)
    embed(tmp_path / "s", unlabelled)
    store = score(tmp_path / "s", None, "density", "prototype")
    assert np.isfinite(store.column("score.prototype").read()).all()
    with pytest.raises(DataError, match="class_median needs labels, and none has one"):
        score(tmp_path / "s", None, "class_median", "density")


def test_an_unreadable_sample_has_no_score_and_copies_of_an_image_are_alike(
    images: Path, tmp_path: Path
) -> None:
    shutil.copy(images / "left" / "000.png", images / "right" / "zzz.png")
    (images / "left" / "002.png").write_bytes(b"no image")
    store = score(tmp_path / "s", images, "density", "prototype", "deepfool", "cal", "dyn_unc")
    keys = store.dataset.keys
    bad, one, two = (keys.index(key) for key in ("left/002.png", "left/000.png", "right/zzz.png"))
    for name in ("density", "prototype", "deepfool", "cal", "dyn_unc"):
        values = store.column(f"score.{name}").read()
        assert np.flatnonzero(np.isnan(values)).tolist() == [bad], name
    density = score(tmp_path / "s", None, "density", options=["neighbours=1"]).column("score.density").read()
    assert density[one] == density[two] == 1


def test_a_class_of_one_and_a_single_class(images: Path, tmp_path: Path) -> None:
    for path in sorted((images / "right").glob("*.png"))[1:]:
        path.unlink()
    embed(tmp_path / "s", images)
    lonely = score(tmp_path / "s", None, "class_median").column("score.class_median").read()
    assert lonely[-1] == 0
    assert (lonely[:-1] > 0).all()
    shutil.rmtree(images / "right")
    heard = Listener()
    names = ["class_median", "cal", "deepfool", "dual"]
    store = score(tmp_path / "other", images, *names, heard=heard)
    assert all(np.isfinite(store.column(f"score.{name}").read()).all() for name in names)
    assert "there is one class only: cal, deepfool, dual cannot tell samples apart" in heard.said


def test_another_window_is_told_and_trains_nothing(images: Path, tmp_path: Path) -> None:
    heard = Listener()
    store = score(tmp_path / "s", images, "dyn_unc", "eva", "aum", heard=heard)
    assert "dyn_unc: the window of 10 epochs is cut to the 5 there are" in heard.said
    before = store.column("score.dyn_unc").read()
    heard = Listener()
    store = score(
        tmp_path / "s", None, "dyn_unc", "aum", heard=heard, training=TRAINING, options=["last=3", "window=2"]
    )
    assert heard.stages == []
    assert not np.array_equal(store.column("score.dyn_unc").read(), before)
    assert store.column("score.aum").recipe["options"]["last"] == 3


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("last=6", "the trace has epochs 1 to 5, not 6"),
        ("first=3", "epochs 3 to 5 are fewer than the 4"),
        ("window=1", "window=1 is not at least 2"),
    ],
)
def test_epochs_that_the_trace_will_not_have_are_refused_before_training(
    images: Path, tmp_path: Path, option: str, says: str
) -> None:
    heard = Listener()
    with pytest.raises(OptionError, match=says):
        score(tmp_path / "s", images, "eva", heard=heard, options=[option])
    assert not any(stage.startswith("training") for stage in heard.stages)


def test_an_embedding_that_is_not_there_or_not_the_only_one(images: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match="there is no embedding 'resnet18'"):
        score(tmp_path / "s", images, "density", on="resnet18")
    embed(tmp_path / "s", images)
    with pytest.raises(MissingColumnError, match="no column 'embedding.resnet18'"):
        score(tmp_path / "s", None, "density", on="resnet18")


def test_scores_that_read_no_trace_have_no_rehearsal() -> None:
    assert rehearse(SCORERS["density"], {}, 1) == ""


def test_runs_are_averaged_and_what_has_no_runs_is_not(images: Path, tmp_path: Path) -> None:
    store = score(tmp_path / "s", images, "deepfool", "tdds", "cal", runs=2)
    for name in ("deepfool", "tdds"):
        assert np.isfinite(store.column(f"score.{name}.std").read()).all()
        assert store.column(f"score.{name}").recipe["runs"] == 2
    assert "score.cal.std" not in store.columns
    assert store.column("score.cal").recipe["runs"] == 1
    mean = store.column("score.deepfool").read()
    each = [store.column(f"deepfool.{run}").read() for run in range(2)]
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-6)


def test_a_score_that_is_computed_in_another_way_now_is_another_column(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = SCORERS["eva"]
    before = replace(now, version=now.version - 1)
    monkeypatch.setitem(SCORERS, "eva", before)
    old = score(tmp_path / "s", images, "eva").column("score.eva").recipe
    monkeypatch.setitem(SCORERS, "eva", now)
    new = score(tmp_path / "s", None, "eva").column("score.eva").recipe
    assert {name for name in new if new[name] != old[name]} == {"version"}
