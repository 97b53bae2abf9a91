"""GIO's quick start, by its authors' package and by prune: who selects what, and how far from the target.

    python -m venv gio && gio/bin/pip install grad-info-opt    # jax and pyspark, which wants Java
    python benchmarks/quick_start.py --gio gio/bin/python

Target and pool are a hundred points each of one normal distribution in the plane, mean (3, 4) and variance
0.5; the package begins with a hundred points that are uniform over (0, 8)², and stops when KL rises, or after
`--count` points. prune begins with nothing, and takes as many. The divergence is that of the target from what
is selected, by nearest neighbours; that of random sets of as many is beside it. Without `--gio`, prune alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import prune

THEIRS = """
import sys
import numpy as np
import jax.numpy as jnp
from GIO import GIOKL
given = np.load(sys.argv[1])
kl = GIOKL.GIOKL(uniform_low=0, uniform_high=8, uniform_start_size=100, dim=2)
pool, target = jnp.array(given["pool"]), jnp.array(given["target"])
chosen, curve, _ = kl.fit(pool, target, normalize=False, max_iter=int(sys.argv[3]))
np.savez(sys.argv[2], chosen=np.array(chosen)[100:], curve=np.array(curve, float))
"""


def main() -> None:
    """Run both, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gio", help="an interpreter that has grad-info-opt")
    parser.add_argument("--count", type=int, default=30, help="how many are taken at most")
    options = parser.parse_args()
    target, pool = points(1), points(5)
    rows: dict[str, tuple[np.ndarray, float]] = {}
    k = options.count
    if options.gio:
        theirs, seconds = run_theirs(options.gio, target, pool, options.count)
        k = len(np.unique(theirs))
        rows["grad-info-opt"] = theirs, seconds
        print(f"grad-info-opt took {len(theirs)} points, {k} of them once")
    for name, asked in {"prune gio": {}, "prune gio coverage=true": {"coverage": True}}.items():
        began = time.perf_counter()
        found = prune.select_rows(pool, method="gio", k=k, target=target, **asked).rows
        rows[name] = found, time.perf_counter() - began
    draw = np.random.default_rng(0)
    sets = [draw.permutation(len(pool))[:k] for _ in range(20)]
    print("| selected | points | divergence | mean | standard deviation | as grad-info-opt | seconds |")
    print("|---|---|---|---|---|---|---|")
    first = rows.get("grad-info-opt", (np.empty(0, int), 0))[0]
    for name, (found, seconds) in rows.items():
        same = f"{len(np.intersect1d(found, first))} of {len(np.unique(found))}" if len(first) else ""
        print(f"| {name} | {told(pool[found], target)} | {same} | {seconds:.1f} |")
    print(f"| random, mean of 20 | {told_of_all([pool[found] for found in sets], target)} | | |")
    print(f"| all of the pool | {told(pool, target)} | | |")


def points(seed: int) -> np.ndarray:
    """Return a hundred points of the quick start."""
    draw = np.random.RandomState(seed)
    return draw.multivariate_normal([3, 4], 0.5 * np.eye(2), 100)


def run_theirs(python: str, target: np.ndarray, pool: np.ndarray, steps: int) -> tuple[np.ndarray, float]:
    """Return the rows of the pool that the package selects, and its seconds, those of starting included."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given.npz", Path(folder) / "out.npz"
        np.savez(given, target=target, pool=pool)
        began = time.perf_counter()
        around = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
        subprocess.run([python, "-c", THEIRS, str(given), str(out), str(steps)], check=True, env=around)
        seconds = time.perf_counter() - began
        chosen = np.load(out)["chosen"]
    distances = np.linalg.norm(chosen[:, None] - pool[None], axis=2)
    assert distances.min(axis=1).max() < 1e-4, "a point that is none of the pool"
    return distances.argmin(axis=1), seconds


def told(found: np.ndarray, target: np.ndarray) -> str:
    """Return the cells of a row."""
    return told_of_all([found], target)


def told_of_all(sets: list[np.ndarray], target: np.ndarray) -> str:
    """Return the cells of a row: means over several sets."""
    kl = np.mean([divergence(target, found) for found in sets])
    mean = np.mean([found.mean(axis=0) for found in sets], axis=0)
    spread = np.mean([found.std(axis=0) for found in sets], axis=0)
    return f"{len(sets[0])} | {kl:.3f} | {mean[0]:.2f}, {mean[1]:.2f} | {spread[0]:.2f}, {spread[1]:.2f}"


def divergence(target: np.ndarray, found: np.ndarray) -> float:
    """Return how far the target is from what was found, by the nearest neighbour of each of its points."""
    own = np.linalg.norm(target[:, None] - target[None], axis=2)
    np.fill_diagonal(own, np.inf)
    other = np.linalg.norm(target[:, None] - np.unique(found, axis=0)[None], axis=2)
    nearest = np.log(other.min(axis=1) / own.min(axis=1)).mean()
    return float(target.shape[1] * nearest + np.log(len(np.unique(found, axis=0)) / (len(target) - 1)))


if __name__ == "__main__":
    main()
