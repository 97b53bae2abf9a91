"""Imported scores: what a high value means is what the user says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import prune
from prune.core.errors import OptionError
from prune.store import Store


@pytest.fixture
def table(tmp_path: Path, images: Path) -> Path:
    keys = sorted(f"{p.parent.name}/{p.name}" for p in images.rglob("*.png"))
    path = tmp_path / "s.csv"
    path.write_text("key,odd,old\n" + "".join(f"{key},{i},{-i}\n" for i, key in enumerate(keys)))
    return path


def test_a_stated_direction_decides_who_is_hardest(images: Path, tmp_path: Path, table: Path) -> None:
    store = Store(tmp_path / "store")
    said = prune.score(store, str(images), imports=str(table), high="odd=hard,old=easy")
    assert {name: about["high"] for name, about in said["scores"].items()} == {"odd": "hard", "old": "easy"}
    kept = {}
    for name in ("odd", "old"):
        prune.select(store, method="random", score=name, count=30, drop_hardest=0.25)
        kept[name] = (store.path / "selections" / "random" / "keys.txt").read_text()
    assert kept["odd"] == kept["old"]  # the ten highest of one are the ten lowest of the other
    assert "right/039.png" not in kept["odd"]


def test_without_one_nobody_is_hard_and_the_hint_says_what_to_type(
    images: Path, tmp_path: Path, table: Path
) -> None:
    store = Store(tmp_path / "store")
    prune.score(store, str(images), imports=str(table), types=["odd"])
    assert store.column("score.odd").recipe["high"] == ""
    with pytest.raises(OptionError, match="odd does not say which samples are hard") as raised:
        prune.select(store, method="random", score="odd", count=30, drop_hardest=0.25)
    assert "--import" in raised.value.hint
    prune.score(store, str(images), imports=str(table), types=["odd"], high="hard")
    assert store.column("score.odd").recipe["high"] == "hard"


@pytest.mark.parametrize(
    ("high", "message"),
    [
        ("best", "--high best does not say what a high value means"),
        ("odd=best", "--high odd=best does not say"),
        ("new=hard", "--high names 'new', which is not imported"),
        ("odd=hard,odd=easy", "names 'odd' twice"),
        ("hard,easy", "says two things"),
        ("", "--high is empty"),
    ],
)
def test_directions_that_make_no_sense(
    images: Path, tmp_path: Path, table: Path, high: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        prune.score(tmp_path / "store", str(images), imports=str(table), high=high)


def test_a_direction_without_an_import(images: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--high hard says what imported scores mean, and none is imported"):
        prune.score(tmp_path / "store", str(images), types=["el2n"], high="hard")


def test_what_is_asked_of_proxies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--runs 3 --epochs 5 --proxy mlp --set epoch=1: imported scores"):
        prune.score(
            tmp_path / "s",
            imports="a.csv",
            runs=3,
            training={"epochs": 5, "proxy": "mlp"},
            options=["epoch=1"],
        )
