"""The walk in CONTRIBUTING.md is what is called, and it is short."""

from __future__ import annotations

import dataclasses
import functools
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.scorers import SCORERS
from prune.selectors import SELECTORS

HOME = Path(__file__).parent.parent
MOST = {"el2n": 14, "kcenter": 12}  # files and functions on the way
GENERATED = {"<listcomp>", "<lambda>", "<dictcomp>", "<genexpr>"}  # no functions that one looks up


def written() -> list[list[str]]:
    """Return the two columns of the page, without their headings."""
    page = (HOME / "CONTRIBUTING.md").read_text()
    found = re.search(r"```\n(prune score.*?)```", page, re.DOTALL)
    assert found is not None
    lines = [re.split(r" {2,}", line) for line in found[1].splitlines()[1:]]
    return [[line[column] for line in lines if len(line) > column] for column in (0, 1)]


def watched(function: Callable[..., Any], walks: list[list[str]]) -> Callable[..., Any]:
    """Return the function, noting who called it."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        root = f"{HOME / 'prune'}/"
        stack = [frame for frame in traceback.extract_stack() if frame.filename.startswith(root)]
        walk = [f"{s.filename.removeprefix(root)} {s.name}" for s in stack if s.name not in GENERATED]
        here = Path(function.__code__.co_filename).relative_to(root)
        walks.append([*walk, f"{here} {function.__name__}"])
        return function(*args, **options)

    return call


@pytest.mark.parametrize(
    ("table", "name", "column", "words"),
    [
        (SCORERS, "el2n", 0, "score x.npy --type el2n --epochs 1 --proxy mlp --workers 0"),
        (SELECTORS, "kcenter", 1, "select --method kcenter --count 5"),
    ],
)
def test_the_walk_is_what_is_called(
    table: Any,
    name: str,
    column: int,
    words: str,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    prune: Callable[..., Any],
) -> None:
    np.save("x.npy", np.random.default_rng(0).integers(0, 255, (30, 8, 8, 3), dtype=np.uint8))
    np.save("labels.npy", np.arange(30) % 3)
    if name == "kcenter":
        assert prune("score", "x.npy", "--type", "el2n", "--epochs", 1, "--proxy", "mlp").code == 0
    walks: list[list[str]] = []
    row = dataclasses.replace(table[name], function=watched(table[name].function, walks))
    monkeypatch.setitem(table, name, row)
    assert prune(*words.split()).code == 0
    assert walks[-1] == written()[column]
    assert len(walks[-1]) <= MOST[name]
