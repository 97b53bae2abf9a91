"""Scores of several runs of a proxy against the published rank correlations: EL2N, GraNd, forgetting.

    python benchmarks/scores.py --data FOLDER_WITH_PARQUET      # CIFAR-10
    python benchmarks/scores.py                                  # digits: a minute

With a GPU the published setting as far as it goes: ResNet-18, 10 runs of 20 epochs on all of CIFAR-10.
Without one, 3 runs of `resnet8` for 10 epochs on 10,000 images: some minutes on two cores. Scores are means
over the runs. GraNd at initialisation is taken of the same networks before their first step, in evaluation
mode: it is no score that prune offers, because it measures the length of the image.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scored import KIRSCH, SKEW, SPEARMAN, cifar10, digits, print_matrix, scores_of, skew, spearman

import prune
from prune.proxy import TrainedProxy
from prune.proxy.grad_norm_column import norms_of
from prune.proxy.inputs import Inputs
from prune.proxy.train import new_model

TYPES = ("el2n", "grad_norm", "forgetting", "grad_norm_last", "aum", "input_norm")
AT_0 = "grad_norm at 0"
FLOORS = {  # what the literature has, at least, in the setting with a GPU
    frozenset({"el2n", "grad_norm"}): 0.97,
    frozenset({"el2n", "forgetting"}): 0.87,
    frozenset({AT_0, "input_norm"}): 0.9,
}


def main() -> None:
    """Run and print."""
    gpu = torch.cuda.is_available()
    usual = {"proxy": "resnet18", "runs": 10, "epochs": 20, "images": None}
    small = {"proxy": "resnet8", "runs": 3, "epochs": 10, "images": 10_000}
    chosen = usual if gpu else small
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet; without it, digits")
    parser.add_argument("--proxy", default=chosen["proxy"], help="default here: %(default)s")
    parser.add_argument("--runs", type=int, default=chosen["runs"], help="default here: %(default)s")
    parser.add_argument("--epochs", type=int, default=chosen["epochs"], help="default here: %(default)s")
    parser.add_argument("--images", type=int, help=f"0: all; default here: {chosen['images'] or 'all'}")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode images")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    images = (chosen["images"] if options.images is None else options.images) or None
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        subject = (
            cifar10(options.data, work / "cifar10", 0.0, options.epochs, images)
            if options.data
            else digits(work / "digits", 0.0, options.epochs, images)
        )
        subject.training["proxy"] = options.proxy
        store, began = work / "store", time.perf_counter()
        scores = scores_of(subject, store, TYPES, runs=options.runs, workers=options.workers)
        scores[AT_0] = at_initialisation(prune.Store(store), options.runs)
        seconds = time.perf_counter() - began
    about = {"n": len(subject.labels), "runs": options.runs, **subject.training, "seconds": seconds}
    about["device"] = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    report(about, scores, subject.labels)
    if options.json:
        found = {"about": about, "scores": list(scores), "spearman": spearman(scores).tolist()}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def at_initialisation(store: prune.Store, runs: int) -> np.ndarray:
    """Return the gradient norm of every sample at the weights that runs start with, mean over the runs."""
    trained = TrainedProxy.of(store)
    inputs = Inputs(
        trained.inputs, trained.dataset, torch.device("cuda" if torch.cuda.is_available() else "cpu")
    )
    rows = np.arange(len(trained.dataset))
    norms = [
        norms_of(new_model(inputs, trained.training, run).eval(), inputs, rows, lambda _: None)
        for run in range(runs)
    ]
    return np.mean(norms, axis=0)


def report(about: dict[str, Any], scores: dict[str, np.ndarray], labels: np.ndarray) -> None:
    """Print the correlations that were published beside ours, then all of ours, then the skew of classes."""
    print(
        ", ".join(
            f"{name} {value:.0f}" if name == "seconds" else f"{name} {value}" for name, value in about.items()
        )
    )
    print(f"\nPublished: {KIRSCH}.\n")
    print("| pair | Spearman | published | aim with a GPU |\n| --- | --- | --- | --- |")
    names, found = list(scores), spearman(scores)
    for pair, published in SPEARMAN.items():
        one, other = sorted(pair, key=names.index)
        ours = found[names.index(one), names.index(other)]
        aim = f"≥ {FLOORS[pair]:g}" if pair in FLOORS else ""
        print(f"| `{one}`, `{other}` | {ours:.3f} | {published:.3f} | {aim} |")
    print_matrix("Spearman of hardness", scores)
    print("\n| score | skew at 50 % kept | published |\n| --- | --- | --- |")
    for name, values in scores.items():
        print(f"| `{name}` | {skew(values, labels):.2f} | {f'{SKEW[name]:.2f}' if name in SKEW else ''} |")


if __name__ == "__main__":
    main()
