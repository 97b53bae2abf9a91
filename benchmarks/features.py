"""Objectives on real features: what a selection of CIFAR-10 reaches, and the best of 20 random sets.

    prune score --type el2n DATA --store cifar.prune       # CIFAR-10, or any other dataset with labels
    python benchmarks/features.py --store cifar.prune

Facility location and graph cut are chosen on the proxy's features and recomputed from them, over all pairs;
gradient matching on the proxy's gradients, and ‖Σ g − Σ w g‖ / ‖Σ g‖ recomputed from the weights kept; a
random set weighs n / k each. With a quota, classes have their shares in both.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import prune
from prune.core.selection import Selection
from prune.index.gradients import GradientSpace, errors_of

RANDOM = 20
LAMBDA = 2.0  # of graph cut


class Features:
    """The columns of a store that is scored."""

    def __init__(self, store: Path) -> None:
        columns = prune.Store(store)
        self.labels = columns.dataset.labels
        self.features = np.asarray(columns.column("embedding.proxy").read())
        self.errors = errors_of(np.asarray(columns.column("probs").read()), self.labels)
        wide = self.features.astype(np.float32)
        norms = np.linalg.norm(wide, axis=1, keepdims=True)
        self.unit = wide / np.where(norms > 0, norms, 1)
        self.space = GradientSpace(self.errors, self.features)
        self.sum = self.space.sum()

    def facility_location(self, rows: np.ndarray, _: np.ndarray) -> float:
        """Σᵢ max over the rows of (1 + cos) / 2."""
        chosen = self.unit[rows].T
        starts = range(0, len(self.unit), 2048)
        nearest = np.concatenate([(self.unit[s : s + 2048] @ chosen).max(1) for s in starts])
        return float((nearest.astype(np.float64) + 1).sum() / 2)

    def graph_cut(self, rows: np.ndarray, _: np.ndarray) -> float:
        """2·Σ of similarities to all, less those of pairs of rows in both orders."""
        n, k = len(self.unit), len(rows)
        chosen = self.unit[rows].sum(0, dtype=np.float64)
        everything = self.unit.sum(0, dtype=np.float64)
        to_all = (n * k + everything @ chosen) / 2
        pairs = (k * k + chosen @ chosen) / 2 - k
        return float(LAMBDA * to_all - pairs)

    def gradmatch(self, rows: np.ndarray, weights: np.ndarray) -> float:
        """‖Σ g − Σ w g‖ / ‖Σ g‖."""
        every = np.zeros(self.space.n)
        every[rows] = weights
        return float(np.linalg.norm(self.sum - self.space.sum(every)) / np.linalg.norm(self.sum))

    def choose(self, method: str, k: int, quota: str) -> Selection:
        """Run prune."""
        asked: dict[str, Any] = {"method": method, "k": k, "labels": self.labels, "quota": quota}
        if method == "gradmatch":
            return prune.select_rows(errors=self.errors, features=self.features, **asked)
        return prune.select_rows(self.features, **asked)

    def random(self, k: int, quota: str) -> list[np.ndarray]:
        """Return random sets of the same size and shares."""
        asked: dict[str, Any] = {"method": "random", "k": k, "labels": self.labels, "quota": quota}
        return [prune.select_rows(self.features, seed=seed, **asked).rows for seed in range(RANDOM)]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--quota", choices=("none", "proportional", "equal"), default="proportional")
    parser.add_argument("--methods", default="facility_location,graph_cut,gradmatch")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = Features(options.store)
    n = found.space.n
    k = max(1, round(options.fraction * n))
    chance = found.random(k, options.quota)
    print(f"n={n} k={k} d={found.space.d} classes={found.space.c} quota={options.quota}\n")
    print(f"| method | prune | best of {RANDOM} random | mean of {RANDOM} random | seconds |")
    print("| --- | --- | --- | --- | --- |")
    lines = []
    for method in options.methods.split(","):
        began = time.perf_counter()
        selection = found.choose(method, k, options.quota)
        seconds = time.perf_counter() - began
        objective = getattr(found, method)
        ours = objective(selection.rows, selection.weights)
        others = [objective(rows, np.full(k, n / k)) for rows in chance]
        best = min(others) if method == "gradmatch" else max(others)
        lines.append({"method": method, "prune": ours, "best": best, "mean": float(np.mean(others))})
        print(f"| {method} | {ours:.8g} | {best:.8g} | {np.mean(others):.8g} | {seconds:.1f} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"n": n, "k": k, "methods": lines}, indent=1) + "\n")


if __name__ == "__main__":
    main()
