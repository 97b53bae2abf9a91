"""Greedy in partitions beside greedy at once: what each reaches of its objective, and at what cost.

    python benchmarks/partitions.py                                           # made points in 200 clusters
    python benchmarks/partitions.py --store .prune --rows 5000                # the first features of a proxy

The value of every choice is computed anew from its rows, over all pairs of samples; of `kcenter` it is the
covering radius and of `gradmatch` the residual, which are low. The way from random begins at the best of five
random sets.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import prune
from prune.core.selection import Selection
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace, Space
from prune.optimizers.reweight import residual, reweighted

METHODS = ("kcenter", "facility_location", "graph_cut", "craig", "gradmatch")
RANDOM = 5
PARTS = (4, 16)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", type=Path, help="whose column embedding.proxy is taken")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--fraction", type=float, default=0.02)
    parser.add_argument("--methods", default=",".join(METHODS))
    options = parser.parse_args()
    points = _points(options)
    k = round(options.fraction * len(points))
    print(f"{len(points)} × {points.shape[1]}, {k} kept\n")
    print("| method | partitions | value | of at once | of the way from random | CPU s |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for method in options.methods.split(","):
        _compare(method, points, k)


def _points(options: argparse.Namespace) -> np.ndarray:
    if options.store is not None:
        column = prune.Store(options.store).column("embedding.proxy")
        return column.read(0, options.rows).astype(np.float32)
    rng = np.random.default_rng(0)
    centres = 2 * rng.standard_normal((200, 64))
    return (centres[rng.integers(0, 200, options.rows)] + rng.standard_normal((options.rows, 64))).astype(
        np.float32
    )


def _compare(method: str, points: np.ndarray, k: int) -> None:
    space = EmbeddingSpace(points)
    draws = (np.random.default_rng(seed).choice(len(points), k, replace=False) for seed in range(RANDOM))
    weigh = method == "gradmatch"
    chance = [
        _value(method, space, Selection.of(rows, weights=reweighted(space, rows, "nnls") if weigh else None))
        for rows in draws
    ]
    best = min(chance) if method in {"kcenter", "gradmatch"} else max(chance)
    whole = 0.0
    for parts in (None, *PARTS):
        began = time.process_time()
        asked: dict[str, Any] = {"method": method, "k": k, "quota": "none", "partitions": parts}
        value = _value(method, space, prune.select_rows(points, **asked))
        spent = time.process_time() - began
        whole = whole or value
        way = (value - best) / (whole - best)
        figures = f"{value:.6g} | {value / whole:.4f} | {way:.3f} | {spent:.1f}"
        print(f"| {method} | {parts or 'at once'} | {figures} |")
    print(f"| {method} | best of {RANDOM} random | {best:.6g} | {best / whole:.4f} | 0 | |", flush=True)


def _value(method: str, space: Space, chosen: Selection) -> float:
    """Return what the method makes large, or small, from the rows alone."""
    rows, every = chosen.rows, slice(0, space.n)
    if method == "gradmatch":
        return residual(space, rows, chosen.weights)
    if method == "kcenter":
        points = space.coordinates().block(0, space.n)
        squares = (points**2).sum(1)
        gaps = squares[:, None] - 2 * points @ points[rows].T + squares[rows]
        return float(np.sqrt(np.maximum(gaps.min(1), 0).max()))
    alike = Similarity(space, "euclidean" if method == "craig" else "cosine")
    to_chosen = alike.wide(every, rows)
    if method == "graph_cut":
        return float(2 * to_chosen.sum() - (to_chosen[rows].sum() - len(rows)))
    return float(to_chosen.max(1).sum())


if __name__ == "__main__":
    main()
