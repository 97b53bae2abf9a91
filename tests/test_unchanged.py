"""A verb with nothing changed does nothing and says so; what changed, or is damaged, is made again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.steps.select import run as run_of_select
from prune.steps.settings import Settings
from prune.store import Store, read_selection

QUICK = {"proxy": "mlp", "epochs": 2, "size": 8}
CPU = Settings(device="cpu")


class Heard:
    """A reporter that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        return CPU.reporter.stage(what, total, unit)

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def made(images: Path, elsewhere: Path) -> Path:
    pipeline.embed("store", str(images), encoder="pixels", settings=CPU)
    pipeline.score("store", types=["el2n"], training=QUICK, settings=CPU)
    return Path("store")


def written(store: Path) -> dict[str, int]:
    """When every file was written, but for the notes of the machine."""
    notes = {"lock", "timings.json"}
    found = (path for path in store.rglob("*") if path.is_file() and path.name not in notes)
    return {str(path): path.stat().st_mtime_ns for path in found if "scans" not in path.parts}


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often something is chosen."""
    counted: list[int] = []
    choose = run_of_select.choose
    monkeypatch.setattr(run_of_select, "choose", lambda *given: (counted.append(1), choose(*given))[1])
    return counted


VERBS: dict[str, Callable[[], dict[str, Any]]] = {
    "embed": lambda: pipeline.embed("store", encoder="pixels", settings=CPU),
    "score": lambda: pipeline.score("store", types=["el2n"], settings=CPU),
    "select": lambda: pipeline.select("store", method="top", score="el2n", count=5, settings=CPU),
    "export": lambda: pipeline.export("store", format="webdataset", out="out", settings=CPU),
}


def test_the_second_time_nothing_is_written(made: Path) -> None:
    first = {verb: run() for verb, run in VERBS.items()}
    assert [first[verb]["unchanged"] for verb in VERBS] == [True, True, False, False]
    before = written(made), written(Path("out"))
    for verb, run in VERBS.items():
        again = run()
        assert again["unchanged"], verb
        assert {**again, "seconds": 0} == {**first[verb], "unchanged": True, "seconds": 0, **_there(again)}
    assert (written(made), written(Path("out"))) == before


def _there(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("complete", "cost") if name in result}


def test_a_selection_is_chosen_again_where_something_decides_otherwise(made: Path, once: list[int]) -> None:
    ask = {"method": "kcenter", "on": "pixels", "count": 5, "name": "mine"}
    changes: list[dict[str, Any]] = [
        {},
        {"count": 6},
        {"method": "random", "on": None},
        {"settings": Settings(device="cpu", seed=1)},
        {"given": ["left/000.png"]},
    ]
    for change in changes:
        asked = {"settings": CPU, **ask, **change}
        assert not pipeline.select("store", **asked)["unchanged"], change
        assert pipeline.select("store", **asked)["unchanged"], change
    assert len(once) == len(changes)


def test_a_column_that_decides_nothing_chooses_nothing_again(made: Path, once: list[int]) -> None:
    ask = {"method": "top", "score": "el2n", "count": 5, "settings": CPU}
    first = pipeline.select("store", **ask)
    np.save("own.npy", np.random.default_rng(0).normal(size=(first["n"], 4)).astype(np.float32))
    pipeline.embed("store", features="own.npy", settings=CPU)
    pipeline.score("store", types=["loss"], settings=CPU)
    again = pipeline.select("store", **ask)
    assert (again["unchanged"], len(once)) == (True, 1)
    held = Store(made)
    manifest = read_selection(held, "top").manifest
    assert manifest["score.loss"].to_pylist() == held.scores()["loss"].tolist()  # every score there is
    assert set(again["directions"]) == {"el2n", "loss"}
    before = written(made)
    assert pipeline.select("store", **ask)["unchanged"]
    assert written(made) == before
    pipeline.score("store", types=["el2n"], options=["epoch=1"], settings=CPU)
    assert not pipeline.select("store", **ask)["unchanged"]


def test_samples_that_another_column_cannot_have_choose_again(images: Path, elsewhere: Path) -> None:
    broken = sorted(images.rglob("*.png"))[0]
    broken.write_bytes(broken.read_bytes()[:-30])
    keys = [path.relative_to(images).as_posix() for path in sorted(images.rglob("*.png"))]
    lines = [f"{key},{9 if number == 0 else number / 100}" for number, key in enumerate(keys)]
    Path("one.csv").write_text("\n".join(["key,one", *lines]) + "\n")
    pipeline.score("store", str(images), imports="one.csv", high="hard", settings=CPU)
    ask = {"method": "top", "score": "one", "count": 5, "settings": CPU}
    assert keys[0] in _kept("store", pipeline.select("store", **ask))
    pipeline.embed("store", encoder="pixels", settings=Settings(on_error="skip", max_bad=0.5))
    again = pipeline.select("store", **ask)
    assert not again["unchanged"]
    assert keys[0] not in _kept("store", again)


def _kept(store: str, made: dict[str, Any]) -> list[str]:
    return Path(store, "selections", made["name"], "keys.txt").read_text().split("\n")


@pytest.mark.parametrize(
    "ask",
    [
        {"method": "random", "drop_leaks": "held"},
        {"method": "gio", "on": "pixels", "target": "held"},
        {"method": "random", "drop_suspects": "auto"},
    ],
)
def test_data_elsewhere_chooses_again_where_it_changed(
    made: Path, images: Path, once: list[int], ask: dict[str, Any]
) -> None:
    shutil.copytree(images, "held")
    for path in sorted(Path("held").rglob("*.png"))[3:]:
        path.unlink()
    ask = {"count": 5, "settings": CPU, **ask}
    assert not pipeline.select("store", **ask)["unchanged"]
    assert pipeline.select("store", **ask)["unchanged"]
    assert len(once) == 1
    sorted(Path("held").rglob("*.png"))[0].unlink()
    assert pipeline.select("store", **ask)["unchanged"] == ("drop_suspects" in ask)


def test_a_damaged_selection_is_chosen_again(made: Path) -> None:
    VERBS["select"]()
    for path in sorted(made.glob("selections/top/*")):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        assert not VERBS["select"]()["unchanged"], path.name
        if path.name != "selection.json":  # which says how long it took
            assert path.read_bytes() == whole
        assert VERBS["select"]()["unchanged"]


def test_the_selection_asked_for_is_the_latest(made: Path) -> None:
    VERBS["select"]()
    pipeline.select("store", method="random", count=5, settings=CPU)
    assert VERBS["select"]()["unchanged"]
    assert Store(made).state["latest"] == "top"


def test_a_file_of_errors_is_read_each_time(made: Path) -> None:
    ask: dict[str, Any] = {"method": "top", "score": "el2n", "count": 10, "quota": "drop"}
    for numbers in ('{"left": 0.1, "right": 0.4}', '{"left": 0.4, "right": 0.1}'):
        Path("errors.json").write_text(numbers)
        assert not pipeline.select("store", quota_errors="errors.json", **ask)["unchanged"]
        assert pipeline.select("store", quota_errors="errors.json", **ask)["unchanged"]


def test_what_a_selection_takes_the_place_of_is_named(made: Path) -> None:
    VERBS["select"]()
    heard = Heard()
    pipeline.select("store", method="top", score="el2n", count=6, settings=Settings(reporter=heard))
    assert "replaced: selection top (count 5 → 6); --name keeps both" in heard.said


def test_an_embedding_stays_as_it_is_unless_that_is_said(made: Path) -> None:
    pipeline.embed("store", encoder="pixels", dtype="float32", settings=CPU)
    assert VERBS["embed"]()["unchanged"]
    assert Store(made).column("embedding.pixels").dtype == np.float32
    pipeline.select("store", method="kcenter", on="pixels", count=5)
    heard = Heard()
    pipeline.embed("store", encoder="pixels", dtype="float16", settings=Settings(reporter=heard))
    assert "embedding.pixels is there, made in another way: dtype float32 → float16" in heard.said
    assert "replaced: embedding.pixels" in heard.said
    assert "stale then, chosen by what is replaced: selection kcenter" in heard.said


def test_the_data_is_looked_at_even_so(made: Path, images: Path) -> None:
    VERBS["select"]()
    path = sorted(images.rglob("*.png"))[0]
    path.write_bytes(sorted(images.rglob("*.png"))[1].read_bytes())
    with pytest.raises(Exception, match="stale: "):
        VERBS["select"]()
