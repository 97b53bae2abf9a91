"""Scores of a dataset that grew by a tenth, beside a run from zero: ranks, what is kept, CPU seconds.

    python benchmarks/growing.py --data FOLDER_WITH_PARQUET --images 4000

A proxy is trained on nine tenths of the images; the last tenth comes as one more file. Its scores (and those
of all) are compared with those of a proxy that is trained on everything from the start: `as it is` passes new
images through the proxy that is there, `by neighbours` is what a store without the weights of each epoch
falls back on. The yardstick is another run from zero, with another seed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import spearmanr

import prune
from prune.steps.settings import Settings

TYPES = ["el2n", "aum", "forgetting", "grad_norm"]
HARD = {"el2n": 1, "aum": -1, "forgetting": 1, "grad_norm": 1}
KEPT = 0.3


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with train-*.parquet")
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, default=32, help="pixels a side that the proxy sees")
    options = parser.parse_args()
    training = {"proxy": "resnet8", "epochs": options.epochs, "size": options.size}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / "data").mkdir()
        table = pq.read_table(sorted(options.data.glob("train-*.parquet")))
        rows = np.random.default_rng(0).permutation(len(table))[: options.images]
        old = len(rows) * 9 // 10
        pq.write_table(table.take(pa.array(rows[:old])), work / "data/part-0.parquet")

        def score(store: str, **more: Any) -> tuple[float, dict[str, Any]]:
            began = time.process_time()
            done = prune.score(work / store, str(work / "data"), types=TYPES, training=training, **more)
            return time.process_time() - began, done["scores"]

        last = patch("prune.proxy.resumable_training.stored_epochs", lambda asked, _: [asked.last])
        score("grown")
        with last:
            score("filled")
        pq.write_table(table.take(pa.array(rows[old:])), work / "data/part-1.parquet")
        took = {name: score(name) for name in ("grown", "filled", "fresh")}
        took["other seed"] = score("other", settings=Settings(seed=1))
        places = {"other seed": "other"}
        scores = {name: prune.Store(work / places.get(name, name)).scores() for name in took}
        report({name: seconds for name, (seconds, _) in took.items()}, scores, np.arange(len(rows)) >= old)
        for name in ("grown", "filled"):
            for kind, about in took[name][1].items():
                print(f"{name} {kind}: it says {about.get('measured')}")


def report(seconds: dict[str, float], scores: dict[str, dict[str, np.ndarray]], new: np.ndarray) -> None:
    """Print a row for each score and way."""
    heads = "rank correlation, new | all | median difference, new | of 30 % kept the same | new among them"
    print(f"| score | way | {heads} | CPU seconds |")
    print("|---|---|---|---|---|---|---|---|")
    words = {"grown": "as it is", "filled": "by neighbours", "other seed": "from zero, another seed"}
    for kind in TYPES:
        truth = scores["fresh"][kind]
        there = kept(truth, kind)
        for name, way in words.items():
            found = scores[name][kind]
            ours = kept(found, kind)
            cells = [
                f"{spearmanr(found[new], truth[new])[0]:.2f}",
                f"{spearmanr(found, truth)[0]:.2f}",
                f"{np.median(found[new] - truth[new]):+.3f}",
                f"{100 * len(ours & there) / len(there):.0f} %",
                f"{sum(new[row] for row in ours)} ({sum(new[row] for row in there)})",
                f"{seconds[name]:.0f}",
            ]
            print(f"| {kind} | {way} | {' | '.join(cells)} |", flush=True)
    print(f"from zero: {seconds['fresh']:.0f} s")


def kept(values: np.ndarray, kind: str) -> set[int]:
    """The hardest samples."""
    order = np.argsort(-HARD[kind] * values, kind="stable")
    return set(order[: int(KEPT * len(values))].tolist())


if __name__ == "__main__":
    main()
