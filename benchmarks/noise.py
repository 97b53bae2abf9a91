"""Wrong labels as found by every score: AUROC on digits and CIFAR-10 with 10 % of the labels replaced.

python benchmarks/noise.py --data FOLDER_WITH_PARQUET
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import cifar
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

import prune
from prune.settings import Settings

TYPES = (
    "el2n",
    "grad_norm",
    "grad_norm_last",
    "forgetting",
    "aum",
    "confidence",
    "entropy",
    "margin",
    "loss",
)
SHARE = 0.1


def digits(root: Path) -> tuple[str, np.ndarray, dict[str, Any]]:
    """Write digits as an array with 10 % wrong labels."""
    data = load_digits()
    rng = np.random.default_rng(0)
    wrong = np.zeros(len(data.target), bool)
    wrong[rng.choice(len(wrong), round(SHARE * len(wrong)), replace=False)] = True
    labels = np.where(wrong, (data.target + rng.integers(1, 10, len(wrong))) % 10, data.target)
    root.mkdir()
    np.save(root / "digits.npy", (data.images * 255 / 16).astype(np.uint8))
    np.save(root / "labels.npy", labels)
    return str(root / "digits.npy"), wrong, {"size": 8, "flip": False, "epochs": 10}


def aurocs(data: str, wrong: np.ndarray, training: dict[str, Any], store: Path) -> dict[str, float]:
    """Score a dataset; return the AUROC of each score as a detector of wrong labels."""
    prune.score(store, data, types=TYPES, training=training, settings=Settings(workers=2))
    found = {}
    for name in TYPES:
        column = prune.Store(store).column(f"score.{name}")
        sign = -1 if column.recipe["high"] == "easy" else 1
        found[name] = roc_auc_score(wrong, sign * column.read())
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet; without it, digits only")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        figures = {"digits": aurocs(*digits(work / "digits"), work / "digits.prune")}
        if options.data:
            source = next(options.data.glob("train-*.parquet"))
            wrong = cifar.with_noise(source, work / "cifar", SHARE, seed=0)
            training = {"epochs": options.epochs}
            figures["cifar10"] = aurocs(str(work / "cifar"), wrong, training, work / "cifar.prune")
    print(f"{'AUROC':<16}" + "".join(f"{name:>10}" for name in figures))
    for name in TYPES:
        print(f"{name:<16}" + "".join(f"{found[name]:>10.3f}" for found in figures.values()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
