"""Every score on digits and CIFAR-10 with 10 % of the labels wrong: who finds them, who agrees, who is kept.

    python benchmarks/noise.py                                   # digits: a minute on two cores
    python benchmarks/noise.py --data FOLDER_WITH_PARQUET        # and CIFAR-10: --images 10000 for a slice

Wrong labels are symmetric noise (`prune.noise`). AUROC: how well a score, its hard end up, tells them from
the others; 0.5 is chance. Skew: the largest class over the smallest among the 50 % that are hardest. Spearman
is of hardness, so that scores of either direction agree where it is positive.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from scored import AUROC, REPLICATION, SKEW, Subject, cifar10, digits, print_matrix, scores_of, skew, spearman
from sklearn.metrics import roc_auc_score

from prune.scorers import SCORERS

SHARE = 0.1  # of the labels are wrong


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet; without it, digits only")
    parser.add_argument("--images", type=int, help="of each dataset; default: all")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--types", default=",".join(SCORERS), help="default: every score")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode images")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    types = tuple(options.types.split(","))
    figures = {}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for name, make in _datasets(options, work).items():
            began = time.perf_counter()
            subject = make()
            scores = scores_of(subject, work / f"{name}.prune", types, workers=options.workers)
            figures[name] = figures_of(subject, scores) | {"seconds": time.perf_counter() - began}
            title = f"Spearman of hardness, {name}, {len(subject.labels)} samples, {SHARE:.0%} noise"
            print_matrix(title, scores)
    report(figures, types)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _datasets(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    made: dict[str, Any] = {"digits": lambda: digits(work / "digits", SHARE, options.epochs, options.images)}
    if options.data:
        made["cifar10"] = lambda: cifar10(
            options.data, work / "cifar10", SHARE, options.epochs, options.images
        )
    return made


def figures_of(subject: Subject, scores: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return AUROC and skew of every score, and the correlations of all."""
    return {
        "n": len(subject.labels),
        "training": subject.training,
        "auroc": {name: float(roc_auc_score(subject.wrong, values)) for name, values in scores.items()},
        "skew": {name: skew(values, subject.labels) for name, values in scores.items()},
        "spearman": spearman(scores).tolist(),
    }


def report(figures: dict[str, dict[str, Any]], types: tuple[str, ...]) -> None:
    """Print one row a score: AUROC and skew on each dataset, with what was published."""
    print(
        f"\nAUROC published: {REPLICATION}; another net and schedule. Skew published: `el2n` without noise.\n"
    )
    columns = [f"{what}, {name}" for name in figures for what in ("AUROC", "skew")]
    head = ["score", "high", *columns, "AUROC published", "skew published"]
    print(f"| {' | '.join(head)} |\n|" + " --- |" * len(head))
    for name in types:
        cells = [f"`{name}`", SCORERS[name].high]
        for found in figures.values():
            cells += [f"{found['auroc'][name]:.3f}", f"{found['skew'][name]:.2f}"]
        cells += [f"{AUROC[name]:.3f}" if name in AUROC else "", f"{SKEW[name]:.2f}" if name in SKEW else ""]
        print(f"| {' | '.join(cells)} |")
    print()
    for name, found in figures.items():
        print(f"{name}: {found['n']} samples, {found['seconds']:.0f} s")


if __name__ == "__main__":
    main()
