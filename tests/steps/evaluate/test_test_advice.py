"""Where a test set is asked for: the words that are advised are those that work."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.errors import OptionError, PruneError
from prune.steps.evaluate.shown import shown
from prune.steps.settings import Settings
from prune.store import Store

from .conftest import QUICK, draw
from .test_run import Cells

SETTINGS = Settings(device="cpu", reporter=Cells())


def evaluate(store: Path, **asked: Any) -> dict[str, Any]:
    given = {"select": ["random"], "fractions": [0.3], "seeds": 1, "dry_run": True} | QUICK | asked
    return prune.evaluate(store, **given, settings=SETTINGS)


def hint_of(store: Path, **asked: Any) -> str:
    with pytest.raises(OptionError) as refused:
        evaluate(store, **asked)
    return str(refused.value.hint)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `data` without splits, and a store of it."""
    folder = tmp_path_factory.mktemp("whole")
    draw(folder / "data", 8, 0)
    rows = "".join(f"{name}/{n:02d}.png,{n}\n" for name in "abc" for n in range(8))
    (folder / "one.csv").write_text("key,one\n" + rows)
    prune.score(
        folder / "store",
        str(folder / "data"),
        imports=str(folder / "one.csv"),
        high="hard",
        settings=SETTINGS,
    )
    return folder / "store"


def test_a_split_that_is_there_is_advised(place: Path) -> None:
    assert hint_of(place / "store") == "--test test"
    assert evaluate(place / "store", test=shlex.split(hint_of(place / "store"))[1])["test"]["n"] == 30
    assert hint_of(place / "store", test="tset") == "--test test"


def test_where_there_is_none_a_part_is_set_aside(whole: Path, prune: Callable[..., Any]) -> None:
    advised = hint_of(whole)
    assert hint_of(whole, test="test") == advised
    with pytest.raises(PruneError) as refused:
        shown(whole)
    first, second = str(refused.value.hint).split(" && ")
    assert advised.startswith(f"{first}   #")
    for line in (first, f"{second} --dry-run"):
        said = prune(*shlex.split(line)[1:], "--device", "cpu")
        assert said.code == 0, said.err
    assert len(Store(whole).dataset.held_out) == 3


def test_a_split_is_found_where_data_and_store_were_moved_to(place: Path, tmp_path: Path) -> None:
    for name in ("data", "store"):
        shutil.copytree(place / name, tmp_path / "old" / name)
    prune.embed(
        tmp_path / "old" / "store",
        str(tmp_path / "old" / "data"),
        encoder="pixels",
        settings=Settings(device="cpu", reporter=Cells(), reading={"split": "train"}),
    )
    (tmp_path / "old").rename(tmp_path / "new")
    assert evaluate(tmp_path / "new" / "store", test="test")["test"]["n"] == 30
    (tmp_path / "new" / "data").rename(tmp_path / "moved")
    given = {"data": str(tmp_path / "moved"), "test": "test"}
    settings = Settings(device="cpu", reporter=Cells(), reading={"split": "train"})
    found = prune.evaluate(
        tmp_path / "new" / "store",
        **given,
        select=["random"],
        fractions=[0.3],
        dry_run=True,
        **QUICK,
        settings=settings,
    )
    assert found["test"]["n"] == 30
