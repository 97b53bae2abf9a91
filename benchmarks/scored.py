"""Scores side by side: what to score, which end of each is hard, how they agree, and whom they would keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cifar
import numpy as np
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

import prune
from prune.core.quota import keep_count
from prune.scorers import SCORERS
from prune.steps import label_noise
from prune.steps.settings import Settings

EASY = {"easy", "typical", "redundant"}  # what a high value means where a low one is hard
Published = dict[frozenset[str], tuple[float, str]]

REPLICATION = "AUROC of label noise on CIFAR-10, mean of 3 seeds, an independent replication"
AUROC = {"aum": 0.9885, "el2n": 0.9932, "confidence": 0.9895, "loss": 0.9792, "forgetting": 0.336}

KIRSCH = "CIFAR-10, ResNet-18, 10 runs of 200 epochs (Kirsch, arXiv:2303.14753): EL2N and GraNd at epoch 20"
SPEARMAN = {
    frozenset({"el2n", "grad_norm"}): 0.985,
    frozenset({"el2n", "forgetting"}): 0.894,
    frozenset({"forgetting", "grad_norm"}): 0.868,
    frozenset({"grad_norm at 0", "input_norm"}): 0.963,
    frozenset({"el2n", "grad_norm at 0"}): -0.022,
    frozenset({"el2n", "input_norm"}): -0.015,
    frozenset({"forgetting", "grad_norm at 0"}): -0.023,
    frozenset({"forgetting", "input_norm"}): -0.020,
}
SKEW = {"el2n": 3999 / 1598}  # CIFAR-10 without noise, 50 % kept, the same runs: cat over truck


@dataclass(frozen=True)
class Subject:
    """A dataset to score, and how its proxy is trained."""

    data: str
    labels: np.ndarray  # (n,), as the proxy sees them
    wrong: np.ndarray  # (n,) bool
    training: dict[str, Any] = field(default_factory=dict)


def digits(root: Path, share: float, epochs: int, images: int | None = None) -> Subject:
    """Write digits as an array, a share of the labels wrong."""
    source = load_digits()
    rows = _some(len(source.target), images)
    noisy = label_noise.inject(source.target[rows], share, classes=10)
    root.mkdir(parents=True)
    np.save(root / "digits.npy", (source.images[rows] * 255 / 16).astype(np.uint8))
    np.save(root / "labels.npy", noisy.labels)
    training = {"size": 8, "flip": False, "epochs": epochs}
    return Subject(str(root / "digits.npy"), noisy.labels, noisy.mask, training)


def cifar10(folder: Path, root: Path, share: float, epochs: int, images: int | None = None) -> Subject:
    """Write CIFAR-10, or some of its images, as parquet with a share of the labels wrong."""
    pictures, labels, names, classes = cifar.read(next(folder.glob("train-*.parquet")))
    rows = _some(len(labels), images)
    noisy = label_noise.inject(labels[rows], share, classes=len(classes))
    cifar.write_parquet(root, [pictures[i] for i in rows], noisy.labels, [names[i] for i in rows], classes)
    return Subject(str(root), noisy.labels, noisy.mask, {"epochs": epochs})


def _some(n: int, images: int | None) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(n)[:images])


def scores_of(
    subject: Subject, store: Path, types: tuple[str, ...], *, runs: int = 1, workers: int = 2
) -> dict[str, np.ndarray]:
    """Score a dataset; return every score as hardness: signed so that a high value is hard."""
    settings = Settings(workers=workers)
    prune.score(store, subject.data, types=types, training=subject.training, runs=runs, settings=settings)
    return {name: _sign(name) * prune.Store(store).column(f"score.{name}").read() for name in types}


def _sign(name: str) -> int:
    return -1 if SCORERS[name].high in EASY else 1


def skew(hardness: np.ndarray, labels: np.ndarray, fraction: float = 0.5) -> float:
    """Return how many times as many samples the largest class keeps as the smallest, hardest first."""
    kept = prune.select_rows(scores=hardness, method="top", k=keep_count(fraction, len(labels))).rows
    counts = np.bincount(labels[kept], minlength=int(labels.max()) + 1)[np.unique(labels)]
    return float(counts.max() / counts.min()) if counts.min() else float("inf")


def spearman(scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the rank correlation of all pairs, (s, s), ties at their mean rank."""
    if len(scores) < 3:  # scipy returns a number for two
        scores = {**scores, "": next(iter(scores.values())), " ": next(iter(scores.values()))}
    return np.asarray(spearmanr(np.stack(list(scores.values()), 1)).statistic)


def print_matrix(title: str, scores: Mapping[str, np.ndarray]) -> None:
    """Print the rank correlations as a Markdown table; a positive one agrees on what is hard."""
    found = spearman(scores)
    print(f"\n{title}\n\n| | " + " | ".join(scores) + " |\n|" + " --- |" * (len(scores) + 1))
    for row, name in enumerate(scores):
        cells = [f"{found[row, column]:.2f}" if column < row else "" for column in range(len(scores))]
        print(f"| `{name}` | {' | '.join(cells)} |")
