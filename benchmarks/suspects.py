"""Wrong labels found by `prune suspects`, and by the cleanlab package on the same predictions.

    python benchmarks/suspects.py                                # digits: a minute on two cores
    python benchmarks/suspects.py --data FOLDER_WITH_PARQUET     # and CIFAR-10: --images 10000 for a slice

Wrong labels are symmetric noise (`prune.noise`); predictions are those of `prune score --cross-fit 5`.
Precision: the part of the found labels that are wrong; recall: the part of the wrong ones that is found; AP:
the average precision of the order to look at them. `pip install cleanlab` first: nothing else here needs it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scored import Subject, cifar10, digits
from sklearn.metrics import average_precision_score

import prune
from prune.core.column_name import HELD_OUT
from prune.core.confident_learning import confident_doubt
from prune.core.label_doubt import doubt
from prune.scorers import SCORERS
from prune.steps.settings import Settings

SHARE = 0.1  # of the labels are wrong
SCORES = ("aum", "el2n", "confidence", "loss")
FOLDS = 5
DEFAULT = "prune_by_noise_rate"  # of cleanlab's ways
WAYS = (
    DEFAULT,
    "prune_by_class",
    "both",
    "confident_learning",
    "low_normalized_margin",
    "low_self_confidence",
)
Found = dict[str, tuple[np.ndarray, np.ndarray]]  # a mask, and an order to look at labels, high first


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet; without it, digits only")
    parser.add_argument("--images", type=int, help="of each dataset; default: all")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int, help="pixels that the proxy of CIFAR-10 sees; default: 32")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode images")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        made: dict[str, Any] = {
            "digits": lambda: digits(work / "digits", SHARE, options.epochs, options.images)
        }
        if options.data:
            made["cifar10"] = lambda: seen_at(
                options.size,
                cifar10(options.data, work / "cifar10", SHARE, options.epochs, options.images),
            )
        for name, make in made.items():
            began = time.perf_counter()
            figures[name] = compared(make(), work / f"{name}.prune", options.workers)
            figures[name]["seconds"] = time.perf_counter() - began
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def seen_at(size: int | None, subject: Subject) -> Subject:
    """Return what to score, for a proxy that sees images of this size."""
    return subject if size is None else replace(subject, training={**subject.training, "size": size})


def compared(subject: Subject, place: Path, workers: int) -> dict[str, Any]:
    """Return what each way finds on one dataset."""
    settings = Settings(workers=workers)
    training = subject.training
    prune.score(place, subject.data, types=SCORES, training=training, cross_fit=FOLDS, settings=settings)
    store = prune.Store(place)
    probs, labels = store.column(HELD_OUT).read().astype(np.float64), store.dataset.labels
    own = probs[np.arange(len(labels)), labels]
    told = confident_doubt(probs, labels)
    ways: Found = {"`prune suspects`": (told.mask, -told.ease)}
    ways |= theirs(probs, labels, own)
    for name in SCORES:
        scores, row = store.column(f"score.{name}").read(), SCORERS[name]
        found = doubt(scores, row.high, loses_beyond=row.loses_beyond, probability=row.probability)
        ways[f"`prune suspects --by {name}`"] = (found.mask, scores if row.high == "hard" else -scores)
    wrong = subject.wrong
    return {
        "n": len(labels),
        "accuracy": float((probs.argmax(1) == labels)[~wrong].mean()),
        "ways": {name: measured(mask, order, wrong) for name, (mask, order) in ways.items()},
    }


def theirs(probs: np.ndarray, labels: np.ndarray, own: np.ndarray) -> Found:
    """Return what cleanlab finds in each of its ways, in its default order: by the label's probability."""
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {way: find_label_issues(labels, probs, filter_by=way, n_jobs=1) for way in WAYS}
    return {
        f"cleanlab, `{way}`{' (default)' * (way == DEFAULT)}": (mask, -own) for way, mask in found.items()
    }


def measured(mask: np.ndarray, order: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Return how many labels are doubted, precision, recall, their harmonic mean, and average precision."""
    hits = int((mask & wrong).sum())
    precision, recall = hits / max(int(mask.sum()), 1), hits / int(wrong.sum())
    return {
        "found": int(mask.sum()),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "ap": float(average_precision_score(wrong, order)),
    }


def report(figures: dict[str, dict[str, Any]]) -> None:
    """Print one table a dataset."""
    for name, found in figures.items():
        about = f"{name}: {found['n']:,} samples, {SHARE:.0%} wrong, accuracy {found['accuracy']:.3f}"
        print(f"\n{about}, {found['seconds']:.0f} s\n")
        print("| way | found | precision | recall | F1 | AP |\n|---|---|---|---|---|---|")
        for way, one in found["ways"].items():
            cells = [f"{one[key]:.3f}" for key in ("precision", "recall", "f1", "ap")]
            print(f"| {way} | {one['found']} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
