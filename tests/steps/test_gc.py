"""gc removes what nothing shows, and nothing else: not what is shown, begun, or somebody else's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import StoreError
from prune.steps.report.status import status
from prune.steps.settings import Settings
from prune.store import Store
from prune.store.layout import ASIDE

QUICK = {"proxy": "mlp", "epochs": 2, "size": 8}


@pytest.fixture
def made(images: Path, elsewhere: Path) -> Path:
    """A store with one training, and a selection by it."""
    pipeline.score("store", str(images), types=["el2n"], training=QUICK, settings=Settings(device="cpu"))
    pipeline.select("store", method="top", score="el2n", count=5)
    return Path("store")


def train(**training: Any) -> None:
    pipeline.score("store", types=["el2n"], training=training, settings=Settings(device="cpu"))


def content(store: Path) -> dict[str, bytes]:
    found = (path for path in sorted(store.rglob("*")) if path.is_file() and path.name != "lock")
    return {str(path): path.read_bytes() for path in found}


def whole() -> bool:
    return bool(pipeline.verify("store")["whole"])


def test_nothing_shown_is_removed(made: Path) -> None:
    before = content(made)
    done = pipeline.gc("store")
    assert (done["removed"], done["kept"], done["bytes"]) == ([], [], 0)
    assert content(made) == before


def test_what_was_made_again_is_removed(made: Path) -> None:
    once = set(made.glob("columns/*/*"))
    train(epochs=3)
    twice = set(made.glob("columns/*/*"))
    shown = {made / "columns" / name / id_ for name, id_ in Store(made).state["columns"].items()}
    before = content(made)
    told = pipeline.gc("store", dry_run=True)
    assert content(made) == before
    assert told["dry_run"]
    assert status(Store(made))["unused"] == told["bytes"] > 0
    done = pipeline.gc("store")
    assert {Path(piece["path"]) for piece in done["removed"]} == once - shown
    assert done["removed"] == told["removed"]
    assert set(made.glob("columns/*/*")) == shown == twice - (once - shown)
    assert whole() or status(Store(made))["stale"]
    assert pipeline.gc("store")["removed"] == []
    assert status(Store(made))["unused"] == 0


def test_what_is_hidden_leaves_no_empty_folder(made: Path) -> None:
    pipeline.score("store", types=["el2n"], runs=2, settings=Settings(device="cpu"))
    pipeline.score("store", types=["el2n"], runs=1, settings=Settings(device="cpu"))
    assert (made / "columns/trace.1").exists()
    pipeline.gc("store")
    assert not (made / "columns/trace.1").exists()


def test_scans_of_changed_files_are_removed(made: Path, images: Path) -> None:
    for path in sorted(images.rglob("*.png"))[:3]:
        path.write_bytes(path.read_bytes())  # the same content, at another time
    pipeline.score("store", types=["el2n"], settings=Settings(device="cpu"))
    count = len(list(made.glob("scans/*/*")))
    done = pipeline.gc("store")
    assert all("scans" in piece["path"] for piece in done["removed"])
    assert len(list(made.glob("scans/*/*"))) == count - len(done["removed"])
    assert pipeline.gc("store")["removed"] == []


def test_the_data_before_is_removed_with_what_was_known_of_it(made: Path, images: Path) -> None:
    sorted(images.rglob("*.png"))[0].unlink()
    old = {path.name for path in made.glob("datasets/*")}
    pipeline.score("store", types=["input_norm"], settings=Settings(refresh=True))
    removed = pipeline.gc("store")["removed"]
    assert any(Path(piece["path"]).name in old for piece in removed)
    assert any("selections/top" in piece["path"] for piece in removed)
    assert whole()


def test_what_is_put_aside_is_not_ours_to_remove(made: Path) -> None:
    description = next(made.glob("columns/trace.0/*/column.json"))
    description.unlink()
    description.mkdir()
    (description / "diary.txt").write_text("mine")
    train()
    done = pipeline.gc("store", unfinished=True)
    assert [piece["path"] for piece in done["kept"]] == [str(made / ASIDE)]
    assert (made / ASIDE / "1-column.json/diary.txt").read_text() == "mine"
    assert whole()


def test_another_writer_is_not_disturbed(made: Path) -> None:
    train(epochs=3)
    with Store(made).writing(), pytest.raises(StoreError, match="is in use by"):
        pipeline.gc("store")
    assert pipeline.gc("store", dry_run=True)["removed"]


def test_a_first_command_that_did_not_end_is_known(
    images: Path, elsewhere: Path, faulty: Callable[..., Any], killed: type[BaseException]
) -> None:
    counting = faulty()
    settings = Settings(device="cpu")
    pipeline.score("whole", str(images), types=["el2n"], training=QUICK, settings=settings)
    faulty("kill", len(counting.calls) - 12)
    with contextlib.suppress(killed):
        pipeline.score("store", str(images), types=["el2n"], training=QUICK, settings=settings)
    faulty()
    assert not Path("store/store.json").exists()
    told = status(Store("store"))
    assert told["exit_code"] == 0
    assert told["begun"]["score"].startswith("prune score --type el2n")
    assert json.dumps(told)
    pipeline.score("store", types=["el2n"], training=QUICK, settings=settings)  # it knows the data
    assert status(Store("store"))["begun"] == {}
    assert Store("store").state["columns"] == Store("whole").state["columns"]
