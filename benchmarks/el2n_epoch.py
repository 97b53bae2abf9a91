"""Which epoch of a short training stands for the early one of the paper: EL2N of both, sample by sample.

    python benchmarks/el2n_epoch.py --data FOLDER_WITH_PARQUET --images 4000

Paul et al. measure EL2N after epoch 10 to 20 of 200, the mean of several runs. Here a long schedule stands
for theirs, read after 5 % and 10 % of it, the mean over `--seeds`; every epoch of a short one, the schedule
that is the default, is compared with it by Spearman correlation: one run with the mean of the long ones, and
the mean of all short runs. The last rows are the ceiling: a single long run with the mean of the others.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from scored import cifar10

import prune
from prune.proxy.trace import FACTS
from prune.steps.settings import Settings

PARTS = (0.05, 0.1)  # of the long schedule


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with train-*.parquet")
    parser.add_argument("--images", type=int, help="default: all")
    parser.add_argument("--long", type=int, default=60, help="epochs of the long schedule")
    parser.add_argument("--short", type=int, default=10, help="epochs of the short one")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        data = cifar10(options.data, work / "data", 0.0, options.short, options.images).data
        short = errors(data, work / "short.prune", options.short, options.seeds, first=0)
        long = errors(data, work / "long.prune", options.long, options.seeds, first=100)
    report(short, long)


def errors(data: str, store: Path, epochs: int, runs: int, *, first: int) -> np.ndarray:
    """Return ‖p − onehot(y)‖ after every epoch of every run, (runs, t, n); seeds from `first` on."""
    settings = Settings(seed=first)
    prune.score(
        store,
        data,
        types=["loss"],
        training={"proxy": "resnet8", "epochs": epochs},
        runs=runs,
        settings=settings,
    )
    known = prune.Store(store)
    at = FACTS.index("error")
    return np.stack([known.column(f"trace.{run}").read()[:, at].astype(np.float64) for run in range(runs)])


def report(short: np.ndarray, long: np.ndarray) -> None:
    """Print Spearman correlations: a row an epoch of the short schedule, columns for moments of the long."""
    t = long.shape[1]
    moments = [max(1, round(part * t)) for part in PARTS]
    heads = [f"epoch {moment} of {t}" for moment in moments]
    print(
        f"| epoch of {short.shape[1]} | "
        + " | ".join(f"{h}: one run | mean" for h in heads)
        + " | below 0.01 |"
    )
    print("|" + "---|" * (2 * len(moments) + 2))
    for epoch in range(short.shape[1]):
        cells = []
        for moment in moments:
            theirs = long[:, moment - 1].mean(0)
            single = np.mean([spearmanr(run[epoch], theirs)[0] for run in short])
            cells += [f"{single:.3f}", f"{spearmanr(short[:, epoch].mean(0), theirs)[0]:.3f}"]
        print(f"| {epoch + 1} | " + " | ".join(cells) + f" | {(short[:, epoch] < 0.01).mean():.2f} |")
    cells = []
    for moment in moments:
        own = long[:, moment - 1]
        others = [spearmanr(own[i], np.delete(own, i, 0).mean(0))[0] for i in range(len(own))]
        cells += [f"{np.mean(others):.3f}", ""]
    print("| a long run with the others | " + " | ".join(cells) + " | |")


if __name__ == "__main__":
    main()
