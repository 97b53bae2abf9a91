"""Trainings leave the same bytes by any number of threads: of images, of texts."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

PROGRAM = """
import json, os, sys
if sys.argv[4]:
    os.sched_setaffinity(0, {int(sys.argv[4])})
    del os.environ["OMP_NUM_THREADS"]
import prune
from prune.steps.settings import Settings
store, data, training = sys.argv[1:4]
prune.score(store, data, types=["grad_norm"], training=json.loads(training), settings=Settings(device="cpu"))
"""


def test_of_images(
    tmp_path: Path, said: Callable[..., str], columns: Callable[[Path], dict[str, bytes]]
) -> None:
    draws = np.random.default_rng(0)
    labels = np.arange(1100) % 10  # so many that a step has two shards and more
    images = draws.integers(0, 128, (1100, 8, 8, 3)) + 12 * labels[:, None, None, None]
    np.save(tmp_path / "x.npy", images.astype(np.uint8))
    np.save(tmp_path / "y.npy", labels)
    training = json.dumps({"epochs": 1, "size": 8, "batch": 64})
    said(PROGRAM, 3, "three", "x.npy", training, "")
    said(PROGRAM, 1, "mask", "x.npy", training, min(os.sched_getaffinity(0)))  # as many as the mask says
    left = columns(tmp_path / "three")
    assert {name.split("/")[1] for name in left} >= {"trace.0", "grad_norm.0", "probs", "embedding.proxy"}
    assert columns(tmp_path / "mask") == left


def test_of_texts(
    tmp_path: Path, said: Callable[..., str], columns: Callable[[Path], dict[str, bytes]]
) -> None:
    draws = np.random.default_rng(0)
    words = {"pos": ["good", "fine", "lovely", "bright"], "neg": ["bad", "awful", "ugly", "dull"]}
    rows = (
        {"text": " ".join(draws.choice(words[label], 6)), "label": label}
        for label in itertools.islice(itertools.cycle(words), 9700)  # so that a step has three shards
    )
    (tmp_path / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    training = json.dumps({"epochs": 1, "batch": 600})
    for threads in (1, 3):
        said(PROGRAM, threads, threads, "many.jsonl", training, "")
    assert columns(tmp_path / "1") == columns(tmp_path / "3")
