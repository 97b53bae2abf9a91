"""What docs/training.md shows is what runs: its blocks one after the other, on what `prune demo` leaves."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy

import prune

PAGE = (Path(__file__).parent.parent.parent / "docs" / "training.md").read_text()
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", PAGE, re.DOTALL)
TRAINER = "SampledTrainer"  # needs libraries that not everybody has: see test_adaptive_sampler.py


@pytest.fixture
def demo(elsewhere: Path) -> prune.Store:
    """Sixty pictures of three classes, scored as `prune demo` scores its digits, and a selection of all."""
    source = np.random.default_rng(0)
    for row in range(60):
        place = elsewhere / "demo" / "digits" / str(row % 3) / f"{row:04d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(source.integers(0, 40, (8, 8), np.uint8) + np.uint8(80 * (row % 3))).save(place)
    store = prune.Store("demo/.prune")
    prune.score(store, "demo/digits", types=["el2n"], training={"proxy": "mlp", "epochs": 2, "size": 8})
    prune.select(store, method="kcenter", fraction=0.3)
    return store


def test_the_blocks_run_one_after_the_other(
    demo: prune.Store, typed: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {
        "prune": prune,
        "cross_entropy": cross_entropy,
        "model": nn.Sequential(nn.Flatten(), nn.Linear(192, 3)),
    }
    for language, block in BLOCKS:
        if language == "sh":
            for line in block.strip().splitlines():
                said = typed(capsys, *shlex.split(line, comments=True)[1:])
                assert said.code == 0, said.err
        elif TRAINER not in block:
            exec(block.replace("k=180", "k=6"), names)
    schedule = np.load("demo/schedule/schedule.npy")
    assert schedule.shape == (20, 6)
    assert names["sampler"].history[-1]["epoch"] == 15
    assert torch.isfinite(names["losses"]).all()
