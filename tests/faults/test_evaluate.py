"""An evaluation that is killed, between two trainings and in the middle of one: a real process, a real kill.

Run again it trains what is missing and nothing else, and ends with the bytes of one that nobody disturbed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.progress import SILENT
from prune.steps.settings import Settings
from prune.store import Store

ASKED: dict[str, Any] = {
    "test": "DATA",
    "select": ["bottom:mine"],
    "fractions": [0.5],
    "seeds": 2,
    "model": "mlp",
    "size": 8,
    "steps": 6,
    "flip": False,
}
CELLS = 6  # random, bottom:mine and everything, with two seeds
SCRIPT = """
import contextlib, os, signal, sys
import prune
from prune.core.progress import SILENT


class Killing:
    def stage(self, what, total, unit="samples"):
        if not what.startswith(f"cell {CELL} of "):
            return SILENT.stage(what, total, unit)
        if not WITHIN:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.halfway(total)

    @contextlib.contextmanager
    def halfway(self, total):
        done = 0

        def advance(n):
            nonlocal done
            done += n
            if done >= total / 2:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance

    def say(self, message):
        pass


prune.evaluate("store", **ASKED, settings=prune.Settings(device="cpu", reporter=Killing()))
"""


class Counting:
    """A reporter that remembers which cells are trained."""

    def __init__(self) -> None:
        self.trained: list[str] = []

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        if what.startswith("cell "):
            self.trained.append(what.partition(": ")[2])
        return SILENT.stage(what, total, unit)

    def say(self, message: str) -> None:
        """Nothing is to be seen of it."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Path:
    """A folder with a store that has a score, and that nothing was evaluated in."""
    home = tmp_path_factory.mktemp("evaluated")
    given = {"imports": str(sources / "scores.csv"), "high": "hard"}
    prune.score(home / "store", str(sources / "images"), **given, settings=Settings(device="cpu"))
    return home


def asked(sources: Path) -> dict[str, Any]:
    return ASKED | {"test": str(sources / "more")}


def finish(home: Path, sources: Path) -> tuple[dict[str, Any], list[str]]:
    """Evaluate in this process; return the result, and what was trained."""
    counted = Counting()
    settings = Settings(device="cpu", reporter=counted)
    return prune.evaluate(home / "store", **asked(sources), settings=settings), counted.trained


def untimed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in {"seconds", "cost"}} for row in rows]


def killed(home: Path, sources: Path, cell: int, *, within: bool) -> None:
    script = f"CELL, WITHIN, ASKED = {cell}, {within}, {asked(sources)!r}\n{SCRIPT}"
    said = subprocess.run([sys.executable, "-c", script], cwd=home, capture_output=True, check=False)
    assert said.returncode == -signal.SIGKILL, said.stderr.decode()


def test_killed_between_two_cells_and_within_one(
    home: Path, sources: Path, content: Callable[[Path], dict[str, bytes]]
) -> None:
    whole = home.parent / "whole"
    shutil.copytree(home, whole)
    expected, everything = finish(whole, sources)
    assert len(everything) == CELLS

    killed(home, sources, 3, within=False)  # two are trained
    killed(home, sources, 2, within=True)  # of the other four the first, and half of the second
    assert Store(home / "store").state["selections"] == {}
    found, trained = finish(home, sources)
    assert trained == everything[3:]
    assert found["trained"] == 3
    for name in ("results", "cells"):
        assert untimed(found[name]) == untimed(expected[name])
    assert content(home) == content(whole)
    assert finish(home, sources)[0]["unchanged"] is True
