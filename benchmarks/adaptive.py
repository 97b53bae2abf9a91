"""Does it pay to choose anew during training? CIFAR-10, by the last epoch, with choosing inside the clock.

    python benchmarks/adaptive.py --data FOLDER_WITH_PARQUET --out DIR
    python benchmarks/adaptive.py --data … --out … --images 2000 --epochs 8 --seeds 1    # a trial
    python benchmarks/adaptive.py --out DIR --only-table                                 # of what is there

Every cell is kept in DIR as soon as it is trained: the same command goes on where it was stopped, and other
sizes, seeds or methods add cells. A seed has the same first weights and the same augmentation for all
methods. All sets are trained for as many epochs (`--epochs`), so a tenth takes a tenth of the steps of
everything; `--steps N` gives every set as many steps instead. The network is `resnet8` with the optimiser and
the schedule of `prune evaluate`. There is no best epoch: accuracy is that of the last one. Seconds are of the
training with all choices, without the test. Without --data it is scikit-learn's digits, to see it run.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cifar import read
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from prune.core.quota import keep_count
from prune.loaders import AdaptiveSampler
from prune.proxy.models import build
from prune.steps.evaluate.intervals import mean_interval, paired_difference
from prune.store import identity

EVERYTHING, STATIC, RANDOM = "everything", "static random", "adaptive random"
METHODS: dict[str, dict[str, Any]] = {
    RANDOM: {"method": "random"},
    STATIC: {"method": "random"},
    "gradmatch, per batch": {"method": "gradmatch", "per": "batch"},
    "glister": {"method": "glister"},
    "craig": {"method": "craig"},
}
BATCH, PEAK, DECAY, WARMUP, CROP = 128, 0.2, 5e-4, 0.2, 4  # as `prune evaluate` trains `resnet8`
SETTING = ("data", "images", "epochs", "steps")
FEWEST = 16  # steps an epoch: smaller sets have smaller batches


@dataclass(frozen=True)
class Cell:
    """One training."""

    method: str
    every: int  # epochs between two choices; 0: there is one
    fraction: str
    seed: int
    data: str
    images: int
    epochs: int | None
    steps: int | None

    def path(self, home: Path) -> Path:
        """Where it is kept."""
        return home / f"{identity(asdict(self))}.json"


@dataclass(frozen=True)
class Images:
    """Pictures (n, 3, 32, 32) in bytes, and labels, of training and test."""

    train: Tensor
    labels: Tensor
    test: Tensor
    test_labels: Tensor
    mean: Tensor
    std: Tensor

    def scaled(self, pictures: Tensor) -> Tensor:
        """Return pictures as the network sees them."""
        return (pictures.float() / 255 - self.mean) / self.std


def main() -> None:
    """Train what is missing, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train-*.parquet and test-*.parquet")
    parser.add_argument("--out", type=Path, required=True, help="what is trained is kept here")
    parser.add_argument("--images", type=int, default=50_000, help="how many of the training images")
    parser.add_argument("--fractions", default="0.1,0.3")
    parser.add_argument("--every", default="5,20", help="R, epochs between two choices")
    parser.add_argument("--methods", default=",".join(name.replace(", ", "/") for name in METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60, help="equal epochs of every set")
    parser.add_argument("--steps", type=int, help="equal steps instead")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only-table", action="store_true", help="train nothing")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    cells = list(_cells(asked))
    if not asked.only_table:
        images = _images(asked)
        for cell in cells:
            if not cell.path(asked.out).exists():
                _keep(cell.path(asked.out), {**asdict(cell), **trained(cell, images, asked.device)})
    if asked.only_table:  # whatever was trained, a table a setting
        found = [json.loads(path.read_text()) for path in sorted(asked.out.glob("*.json"))]
    else:
        found = [json.loads(one.path(asked.out).read_text()) for one in cells]
    settings = dict.fromkeys(tuple(one[name] for name in SETTING) for one in found)
    for setting in settings:
        here = [one for one in found if tuple(one[name] for name in SETTING) == setting]
        print(
            "\n" + ", ".join(f"{name} {value}" for name, value in zip(SETTING, setting, strict=True) if value)
        )
        for fraction in sorted({one["fraction"] for one in here} - {"1"}, key=float):
            show(here, fraction)


def trained(cell: Cell, images: Images, device: str) -> dict[str, Any]:
    """Train one cell; return its accuracy after the last step, and where the seconds went."""
    began = time.perf_counter()
    n = len(images.train)
    k = n if cell.method == EVERYTHING else keep_count(cell.fraction, n)
    batch = min(BATCH, max(2, k // FEWEST))
    each = math.ceil(k / batch)
    epochs = cell.epochs or math.ceil((cell.steps or 0) / each)
    torch.manual_seed(cell.seed)
    model = build("resnet8", (3, 32, 32), 10).to(device)
    train = images.train.to(device), images.labels.to(device)
    sampler = _sampler(cell, model, train, images, n, epochs)
    _fit(model, sampler, train, images, batch, cell.steps or epochs * each)
    seconds = time.perf_counter() - began
    accuracy = _accuracy(model, images, device)
    chosen = {"choices": len(sampler.history), "choosing": sampler.seconds}
    looking = sum(one["looking"] for one in sampler.history)
    told = f"{cell.method}, R = {cell.every}" if cell.every else cell.method
    print(f"{told}, {cell.fraction}, seed {cell.seed}: {accuracy:.4f} in {seconds:.0f} s", flush=True)
    return {**chosen, "accuracy": accuracy, "seconds": seconds, "looking": looking, "ran": epochs, "k": k}


def _sampler(
    cell: Cell, model: nn.Module, train: tuple[Tensor, Tensor], images: Images, n: int, epochs: int
) -> AdaptiveSampler:
    if cell.method == EVERYTHING:
        return AdaptiveSampler(None, None, rows=n, fraction=1, epochs=epochs, method="random", every=epochs)

    def batches() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for rows in torch.arange(n).split(512):
            yield images.scaled(train[0][rows]), train[1][rows], rows

    return AdaptiveSampler(
        model,
        batches,
        rows=n,
        fraction=cell.fraction,
        epochs=epochs,
        every=cell.every or epochs,
        seed=cell.seed,
        batch=BATCH if n >= 100 * BATCH else max(2, n // 100),
        **METHODS[cell.method],
    )


def _fit(
    model: nn.Module,
    sampler: AdaptiveSampler,
    train: tuple[Tensor, Tensor],
    images: Images,
    batch: int,
    steps: int,
) -> None:
    decayed = [one for one in model.parameters() if one.ndim > 1]
    plain = [one for one in model.parameters() if one.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.SGD(groups, PEAK, momentum=0.9, nesterov=True)
    rise = max(1.0, WARMUP * steps)
    lots = np.random.default_rng(sampler.seed)
    done = 0
    while done < steps:
        rows = list(sampler)
        for start in range(0, min(len(rows), batch * (steps - done)), batch):
            here = rows[start : start + batch]
            weights = torch.tensor([getattr(row, "weight", 1.0) for row in here], device=train[0].device)
            rate = PEAK * min((done + 1) / rise, (steps - done) / max(1.0, steps - rise))
            for group in optimiser.param_groups:
                group["lr"] = rate
            model.train()
            at = torch.tensor(here, device=train[0].device)
            logits = model(images.scaled(_augmented(train[0][at], lots)))
            loss = (functional.cross_entropy(logits, train[1][at], reduction="none") * weights).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            done += 1


def _augmented(pictures: Tensor, lots: np.random.Generator) -> Tensor:
    """Mirror half of them, and move each by up to four pixels, edges reflected."""
    b = len(pictures)
    mirrored = torch.from_numpy(lots.random(b) < 0.5).to(pictures.device)
    pictures = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures)
    wide = functional.pad(pictures.float(), (CROP,) * 4, mode="reflect")
    down, right = torch.from_numpy(lots.integers(0, 2 * CROP + 1, (2, b, 1))).to(pictures.device)
    ys, xs = (moved + torch.arange(32, device=pictures.device) for moved in (down, right))
    rows = torch.arange(b, device=pictures.device)[:, None, None]
    return wide.permute(0, 2, 3, 1)[rows, ys[:, :, None], xs[:, None, :]].permute(0, 3, 1, 2)


def _accuracy(model: nn.Module, images: Images, device: str) -> float:
    model.eval()
    right = 0
    with torch.no_grad():
        for rows in torch.arange(len(images.test)).split(500):
            logits = model(images.scaled(images.test[rows].to(device)))
            right += int((logits.argmax(1).cpu() == images.test_labels[rows]).sum())
    return right / len(images.test)


def _cells(asked: argparse.Namespace) -> Iterator[Cell]:
    """Yield cells seed by seed, so that a table is whole early on; everything last, which takes longest."""
    size = None if asked.steps else asked.epochs
    rest = ("digits" if asked.data is None else "cifar", asked.images, size, asked.steps)
    methods = [name.replace("/", ", ") for name in asked.methods.split(",")]
    for seed in range(asked.seeds):
        for fraction in asked.fractions.split(","):
            for method in methods:
                for every in [0] if method == STATIC else map(int, asked.every.split(",")):
                    yield Cell(method, every, fraction, seed, *rest)
        yield Cell(EVERYTHING, 0, "1", seed, *rest)


def _images(asked: argparse.Namespace) -> Images:
    kept = asked.out / f"images-{asked.images}-{'digits' if asked.data is None else 'cifar'}.npz"
    if not kept.exists():
        found = (
            _digits() if asked.data is None else {one: _decoded(asked.data, one) for one in ("train", "test")}
        )
        some = np.sort(np.random.default_rng(0).permutation(len(found["train"][0]))[: asked.images])
        arrays = {"train": found["train"][0][some], "labels": found["train"][1][some]}
        np.savez(kept, **arrays, test=found["test"][0], test_labels=found["test"][1])
    with np.load(kept) as held:
        train, labels, test, test_labels = (
            torch.from_numpy(held[name]) for name in ("train", "labels", "test", "test_labels")
        )
    device = torch.device(asked.device)
    whole = train.float() / 255
    mean, std = (f((0, 2, 3)).view(1, 3, 1, 1).to(device) for f in (whole.mean, whole.std))
    return Images(train, labels, test, test_labels, mean, std)


def _digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from sklearn.datasets import load_digits

    pictures, labels = load_digits(return_X_y=True)
    large = (15 * pictures).astype(np.uint8).reshape(-1, 1, 8, 8).repeat(3, 1).repeat(4, 2).repeat(4, 3)
    order = np.random.default_rng(0).permutation(len(labels))
    parts = {"train": order[:1437], "test": order[1437:]}
    return {name: (large[rows], labels[rows].astype(np.int64)) for name, rows in parts.items()}


def _decoded(data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    pictures, labels, _, _ = read(next(data.glob(f"{part}-*.parquet")))
    arrays = [np.asarray(Image.open(io.BytesIO(one)).convert("RGB")).transpose(2, 0, 1) for one in pictures]
    return np.stack(arrays), labels.astype(np.int64)


def _keep(path: Path, value: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value))
    os.replace(new, path)  # noqa: PTH105


def show(found: Sequence[dict[str, Any]], fraction: str) -> None:
    """Print a table: adaptive random first, then the others, each beside adaptive random of the same R."""
    here = [one for one in found if one["fraction"] in {fraction, "1"}]
    order = [*METHODS, EVERYTHING]
    rows = sorted(
        {(one["method"], one["every"]) for one in here}, key=lambda row: (order.index(row[0]), row[1])
    )
    print(f"\n{100 * float(fraction):g} % kept, accuracy in % after the last step\n")
    print("| method | R | accuracy | to adaptive random | seconds | of them choosing | choices | epochs |")
    print("|---|---|---|---|---|---|---|---|")
    for method, every in rows:
        cells = {one["seed"]: one for one in here if (one["method"], one["every"]) == (method, every)}
        mean = mean_interval([one["accuracy"] for one in cells.values()])
        half = "" if mean.high is None else f" ± {100 * (mean.high - mean.mean):.1f}"
        seconds, choosing = (np.mean([one[key] for one in cells.values()]) for key in ("seconds", "choosing"))
        first = next(iter(cells.values()))
        name = f"**{method}**" if method == RANDOM else method
        print(
            f"| {name} | {every or ''} | {100 * mean.mean:.1f}{half} | {_beside(here, cells, method, every)} "
            f"| {seconds:.0f} | {choosing:.1f} | {first['choices']} | {first['ran']} |"
        )


def _beside(here: Sequence[dict[str, Any]], cells: dict[int, dict[str, Any]], method: str, every: int) -> str:
    rounds = sorted({one["every"] for one in here if one["method"] == RANDOM})
    if method == RANDOM or not rounds:
        return ""
    other = {
        one["seed"]: one for one in here if (one["method"], one["every"]) == (RANDOM, every or rounds[0])
    }
    both = sorted(cells.keys() & other.keys())
    if not both:
        return ""
    told = paired_difference(
        [cells[seed]["accuracy"] for seed in both], [other[seed]["accuracy"] for seed in both]
    )
    between = "" if told.low is None else f" [{100 * told.low:+.1f}, {100 * told.high:+.1f}], {told.verdict}"
    return f"{100 * told.mean:+.1f}{between}"


if __name__ == "__main__":
    main()
