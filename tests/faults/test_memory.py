"""Peak memory of every verb against the number of samples: flat, but for what is said to grow.

Real processes, measured by the kernel (`wait4`), above one that does nothing but load the same libraries.
"""

from __future__ import annotations

import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.store import Store

TABLE = "Memory"
WIDTH = 32
SIZES = {10_000: "10,000", 100_000: "100,000", 1_000_000: "1,000,000"}
LOADS = "import faiss, numba, torch, torchvision, pyarrow.parquet, prune.pipeline, prune.index.farthest"
# bytes a sample: the sample table with its key, what a verb computes with, what it writes
STATED = {
    "embed, features": 500,
    "embed, pixels": 500,
    "score --import": 500,
    "score, proxy of features": 500,
    "score class_median": 500,
    "select random": 750,
    "select top": 750,
    "select kcenter": 750,
    "export manifest": 500,
}


def _data(home: Path, n: int) -> None:
    """Features of n samples, tiny images, labels and a score, all written in blocks."""
    rng = np.random.default_rng(0)
    shapes = {"x": ((WIDTH,), np.float16), "pixels": ((4, 4, 3), np.uint8)}
    for name, (shape, kind) in shapes.items():
        folder = home / name
        folder.mkdir()
        held = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (n, *shape))
        for start in range(0, n, 65_536):
            block = held[start : start + 65_536]
            drawn = rng.integers(0, 256, block.shape)
            block[...] = drawn if name == "pixels" else drawn / 64
        held.flush()
        np.save(folder / "labels.npy", np.arange(n) % 10)
    with (home / "s.csv").open("w") as file:
        file.write("key,s\n")
        file.writelines(f"{row},{row % 997}\n" for row in range(n))


def _verbs(home: Path) -> dict[str, str]:
    x, pixels, s = (repr(str(home / part)) for part in ("x/x.npy", "pixels/pixels.npy", "s.csv"))
    one, two, out = (repr(str(home / part)) for part in ("one", "two", "out"))
    proxy = "training={'proxy': 'linear', 'epochs': 2}"
    return {
        "embed, features": f"embed({one}, {x})",
        "embed, pixels": f"embed({two}, {pixels}, encoder='pixels')",
        "score --import": f"score({one}, imports={s}, high='hard')",
        "score, proxy of features": f"score({one}, types=['el2n'], {proxy})",
        "score class_median": f"score({one}, types=['class_median'])",
        "select random": f"select({one}, method='random', fraction='0.1')",
        "select top": f"select({one}, method='top', score='s', fraction='0.1')",
        "select kcenter": f"select({one}, method='kcenter', count=200, on='precomputed')",
        "export manifest": f"export({one}, format='manifest', out={out}, selection='kcenter')",
    }


def _peak(code: str) -> int:
    """Peak resident bytes of a Python process."""
    limited = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    words = [sys.executable, "-c", f"{LOADS}\n{code}"]
    pid = os.posix_spawn(sys.executable, words, {**os.environ, **limited})
    _, status, usage = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, code
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _measured(home: Path, n: int) -> dict[str, float]:
    _data(home, n)
    empty = _peak("")
    return {name: (_peak(f"prune.pipeline.{call}") - empty) / 2**20 for name, call in _verbs(home).items()}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_memory_grows_by_what_is_stated(tmp_path: Path, tally: Callable[..., None]) -> None:
    chosen = os.environ.get("PRUNE_MEMORY_SIZES")  # fewer, to try the test itself
    sizes = {int(n): SIZES[int(n)] for n in chosen.split(",")} if chosen else SIZES
    peaks = {}
    for n in sizes:
        home = tmp_path / str(n)
        home.mkdir()
        peaks[n] = _measured(home, n)
    least, most = min(sizes), max(sizes)
    slopes = {name: (peaks[most][name] - peaks[least][name]) * 2**20 / (most - least) for name in STATED}
    assert {name: slope for name, slope in slopes.items() if slope > STATED[name]} == {}, json.dumps(peaks)
    for name, slope in slopes.items():
        for n, column in sizes.items():
            tally(TABLE, name, column, round(peaks[n][name]))
        tally(TABLE, name, "grows by", f"{max(0, round(slope, -1)):.0f} B a sample")


def _allocated(run: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_samples_take_no_more_than_their_rows(tmp_path: Path) -> None:
    """What Python and numpy allocate at 4,000 and 40,000 samples; no part is larger than 4,096 rows."""
    peaks: dict[int, dict[str, int]] = {}
    for n in (400, 4_000, 40_000):  # the first warms up what is loaded once
        home = tmp_path / str(n)
        home.mkdir()
        np.save(home / "x.npy", np.random.default_rng(0).standard_normal((n, WIDTH)).astype(np.float32))
        store = Store(home / "store")
        peaks[n] = {
            "embed": _allocated(lambda: pipeline.embed(store, str(home / "x.npy"))),  # noqa: B023
            "select": _allocated(lambda: pipeline.select(store, method="random", count=40)),  # noqa: B023
        }
    for verb in ("embed", "select"):
        grown = (peaks[40_000][verb] - peaks[4_000][verb]) / 36_000
        assert grown < 2500, peaks
