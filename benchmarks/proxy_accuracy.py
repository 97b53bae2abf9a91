"""How accurate the default proxy is, seed by seed: as prune trains it, and by loops of whole batches.

    python benchmarks/proxy_accuracy.py --data FOLDER --seeds 3

FOLDER holds CIFAR-10 as parquet, `train-*.parquet` and `test-*.parquet`. Network, first weights, order and
learning rates are the same in a row; what differs is that prune normalises and sums by shards of a batch, and
in which type a loop computes. Ten epochs of 50,000 images take five minutes each on two quiet cores.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import busy
import torch

from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.train import Trainer

T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)  # of 1, 2, … degrees of freedom


def by_prune(inputs: Inputs, training: Training) -> torch.nn.Module:
    """Train as `prune score` does."""
    trainer = Trainer(inputs, training, 0)
    for epoch in range(1, training.epochs + 1):
        trainer.epoch(epoch, lambda _: None)
    return trainer.model


def by_loop(inputs: Inputs, training: Training, *, bfloat16: bool = False) -> torch.nn.Module:
    """Train in whole batches, in float32 or under torch's autocast to bfloat16."""
    plain = busy.Plain(inputs, training, bfloat16=bfloat16)
    for epoch in range(1, training.epochs + 1):
        plain.train(epoch)
    return plain.trainer.model


KINDS: dict[str, Callable[[Inputs, Training], torch.nn.Module]] = {
    "prune": by_prune,
    "float32": by_loop,
    "bfloat16": lambda inputs, training: by_loop(inputs, training, bfloat16=True),
}


def main() -> None:
    """Print the accuracy on the test set of every seed, then means with 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train and test parquet files")
    parser.add_argument("--samples", type=int, default=0, help="images to learn from; 0: all")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    pixels, labels = busy.decoded(next(options.data.glob("train-*.parquet")), options.samples)
    tested = busy.decoded(next(options.data.glob("test-*.parquet")), 0)
    found: dict[str, list[float]] = {kind: [] for kind in options.kinds}
    print("| seed | " + " | ".join(found) + " |\n|---|" + "---:|" * len(found), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        inputs, training = busy.fed(pixels, labels, Path(folder)), Training(epochs=options.epochs)
        for seed in range(options.seeds):
            print(f"| {seed} |", end="", flush=True)
            for kind, shares in found.items():
                model = KINDS[kind](inputs, replace(training, seed=seed))
                shares.append(busy.accuracy(model, inputs, *tested))
                print(f" {shares[-1]:.2%} |", end="", flush=True)
            print()
    print("| mean | " + " | ".join(map(_interval, found.values())) + " |")


def _interval(shares: list[float]) -> str:
    mean = statistics.mean(shares)
    if len(shares) == 1:
        return f"{mean:.2%}"
    reach = T_95[min(len(shares) - 1, len(T_95)) - 1] * statistics.stdev(shares) / len(shares) ** 0.5
    return f"{mean:.2%} ± {100 * reach:.2f}"


if __name__ == "__main__":
    main()
