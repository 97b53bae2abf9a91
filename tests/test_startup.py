"""Which libraries a command loads: those that it needs. Seconds are measured by `benchmarks/startup.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HEAVY = {
    *("torch", "torchvision", "safetensors", "faiss", "numba", "llvmlite", "scipy", "sklearn", "pandas"),
    *("datasets", "webdataset", "timm", "pyarrow", "numpy", "PIL", "pydantic", "rich", "threadpoolctl"),
    *("matplotlib", "jinja2"),
}
ARRAYS = {"numpy", "pyarrow"}
SELECTION = ARRAYS | {"PIL", "threadpoolctl"}
PAGE = SELECTION | {"matplotlib", "jinja2"}
KERNEL = SELECTION | {"numba", "llvmlite", "scipy"}  # numba finds the products of matrices in scipy
CODE = """
import atexit, json, sys
sys.argv[0] = "prune"
def tell():
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
atexit.register(tell)
from prune.__main__ import main
main()
"""

# What is typed, and what it may load at most.
COMMANDS = [
    ("--help", set()),
    ("--version", set()),
    ("select --help", set()),
    ("methods", set()),
    ("methods selectors", set()),
    *((f"methods {name}", set()) for name in ("kcenter", "el2n", "webdataset", "resnet8", "torchvision")),
    ("methods kcenter --json", set()),
    ("status", ARRAYS),
    ("status --json", ARRAYS),
    ("gc --dry-run", SELECTION),
    ("verify", SELECTION),
    ("select --method random --count 20 --name one", SELECTION),
    ("select --method random --count 20 --name two --quota none --seed 3", SELECTION),
    ("report --selection random", PAGE),
    ("select --method kcenter --fraction 0.1 --name far", KERNEL),
    ("select --method facility_location --fraction 0.1 --name wide", KERNEL),
    ("export --selection random --format manifest --out manifest", SELECTION),
    ("run", SELECTION),
    ("run --dry-run", SELECTION),
]
RECIPE = """
data.path = "features.npy"
embed.features = "features.npy"
select.method = "random"
select.count = 30
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of 300 rows of features, and a selection."""
    folder = tmp_path_factory.mktemp("startup")
    np.save(folder / "features.npy", np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32))
    _run("embed --features features.npy features.npy", folder)
    _run("select --method random --count 30", folder)
    (folder / "prune.toml").write_text(RECIPE)
    return folder


def _run(words: str, folder: Path) -> set[str]:
    """Run a command; return the libraries that were loaded when it ended."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words.split()], cwd=folder, capture_output=True, text=True
    )
    *said, loaded = done.stderr.splitlines()
    assert done.returncode == 0, said
    return set(json.loads(loaded))


@pytest.mark.parametrize(("words", "allowed"), COMMANDS, ids=[words for words, _ in COMMANDS])
def test_a_command_loads_what_it_needs(words: str, allowed: set[str], place: Path) -> None:
    assert _run(words, place) & HEAVY <= allowed


def test_features_of_a_file_need_no_network(place: Path) -> None:
    loaded = _run("embed --features features.npy features.npy --store other", place)
    assert loaded & HEAVY <= SELECTION


def test_a_small_network_needs_no_torchvision(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8))
    np.save(tmp_path / "labels.npy", np.arange(40) % 2)
    loaded = _run("score --type el2n --proxy-size 8 --epochs 1 --workers 0 images.npy", tmp_path)
    assert "torchvision" not in loaded
