"""Three classes of tiny pictures that a small network tells apart, in two splits, and a score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import prune
from prune.steps.settings import Settings

QUICK: dict[str, Any] = {"model": "mlp", "size": 8, "steps": 24, "flip": False}


def draw(folder: Path, each: int, seed: int, classes: str = "abc") -> None:
    """Write pictures: class by class another corner is bright."""
    draws = np.random.default_rng(seed)
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            pixels = draws.integers(0, 60, (8, 8, 3))
            down, across = divmod(place % 4, 2)
            pixels[4 * down : 4 * down + 4, 4 * across : 4 * across + 4] += 120
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{number:02d}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `data` of two splits, and a store with a score `one` that is highest in class a."""
    folder = tmp_path_factory.mktemp("evaluate")
    draw(folder / "data" / "train", 20, 0)
    draw(folder / "data" / "test", 10, 1)
    rows = [(f"{name}/{n:02d}.png", (name == "a") + n / 100) for name in "abc" for n in range(20)]
    (folder / "one.csv").write_text("key,one\n" + "".join(f"{key},{value}\n" for key, value in rows))
    reading = {"split": "train"}
    prune.score(
        folder / "store",
        str(folder / "data"),
        imports=str(folder / "one.csv"),
        high="hard",
        settings=Settings(device="cpu", reading=reading),
    )
    return folder
