"""Does it pay to choose anew during training? CIFAR-10, by the last epoch, with choosing inside the clock.

    python benchmarks/adaptive.py --data FOLDER_WITH_PARQUET --out DIR
    python benchmarks/adaptive.py --data … --out … --images 2000 --epochs 8 --every 2 --seeds 1    # a trial
    python benchmarks/adaptive.py --out DIR --only-table                                  # of what is there

Every cell is kept in DIR as soon as it is trained: the same command goes on where it was stopped, and other
sizes, seeds or methods add cells. The order is: a fraction with all its seeds, R by R, then the next
fraction; everything comes last, which takes longest. One cell runs on one core, as many at a time as
there are (`--jobs`).

A seed has the same first weights, the same first random part and the same augmentation for all methods, so
until the first choice by the model, after R epochs, all methods are one training. It is done once, by static
random, whose state is kept; its seconds are in the seconds of all. All sets are trained for as many epochs,
so a tenth takes a tenth of the steps of everything. The network is `resnet8` with the optimiser and the
schedule of `prune evaluate`. There is no best epoch: accuracy is that of the last one. Seconds are of the
training with all choices, without the test; on a busy machine only those of the processor say something.
Without --data it is scikit-learn's digits, to see it run.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
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
from prune.proxy.inputs import Moves
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
SETTING = ("data", "images", "epochs")
FEWEST = 16  # steps an epoch: smaller sets have smaller batches
LOOK = 256  # samples at a time, of a pass without gradients


@dataclass(frozen=True)
class Cell:
    """One training."""

    method: str
    every: int  # epochs between two choices; 0: there is one
    fraction: str
    seed: int
    data: str
    images: int
    epochs: int

    def path(self, home: Path) -> Path:
        """Where what was found is kept."""
        return home / f"{identity(asdict(self))}.json"

    def state(self, home: Path, epoch: int) -> Path:
        """Where the state is kept that all methods of this seed have in common when an epoch begins."""
        static = replace(self, method=STATIC, every=0)
        return home / f"{identity([asdict(static), epoch])}.pt"


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
        scaled = (pictures.float() / 255 - self.mean) / self.std
        return scaled.contiguous(memory_format=torch.channels_last)


@dataclass
class Clock:
    """Seconds of the wall and of the processor, and those of them that went into choosing."""

    wall: float = 0.0
    cpu: float = 0.0
    choosing_wall: float = 0.0
    choosing_cpu: float = 0.0
    _since: tuple[float, float] = field(default_factory=lambda: (time.perf_counter(), time.process_time()))

    def lap(self) -> tuple[float, float]:
        """Add what passed since the last lap; return it."""
        now = time.perf_counter(), time.process_time()
        passed = now[0] - self._since[0], now[1] - self._since[1]
        self._since, self.wall, self.cpu = now, self.wall + passed[0], self.cpu + passed[1]
        return passed

    def told(self) -> dict[str, float]:
        """Return the sums."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


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
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--jobs", type=int, help="cells at a time; default: as there are cores, one on a GPU")
    parser.add_argument("--only-table", action="store_true", help="train nothing")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    cells = list(_cells(asked))
    if not asked.only_table:
        _train(cells, asked)
    known = asked.out.glob("*.json") if asked.only_table else (one.path(asked.out) for one in cells)
    found = [json.loads(path.read_text()) for path in sorted(known)]
    for setting in dict.fromkeys(tuple(one[name] for name in SETTING) for one in found):
        here = [one for one in found if tuple(one[name] for name in SETTING) == setting]
        print("\n" + ", ".join(f"{name} {value}" for name, value in zip(SETTING, setting, strict=True)))
        for fraction in sorted({one["fraction"] for one in here} - {"1"}, key=float):
            show(here, fraction)


def _cells(asked: argparse.Namespace) -> Iterator[Cell]:
    """Yield cells in an order in which a table of all seeds is whole early on."""
    rest = ("digits" if asked.data is None else "cifar", asked.images, asked.epochs)
    methods = [name.replace("/", ", ") for name in asked.methods.split(",")]
    seeds, fractions = range(asked.seeds), asked.fractions.split(",")
    for fraction in fractions:
        yield from (Cell(STATIC, 0, fraction, seed, *rest) for seed in seeds if STATIC in methods)
        for every in map(int, asked.every.split(",")):
            for seed in seeds:
                yield from (Cell(name, every, fraction, seed, *rest) for name in methods if name != STATIC)
    yield from (Cell(EVERYTHING, 0, "1", seed, *rest) for seed in seeds)


def _train(cells: Sequence[Cell], asked: argparse.Namespace) -> None:
    """Train the cells that are missing; what is static comes before what goes on from its states."""
    missing = [cell for cell in cells if not cell.path(asked.out).exists()]
    if not missing:
        return
    _prepare(asked)
    cores = len(os.sched_getaffinity(0))
    jobs = asked.jobs or (1 if asked.device.startswith("cuda") else cores)
    threads = max(1, cores // jobs)
    os.environ |= {name: str(threads) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    spawn = multiprocessing.get_context("spawn")  # of libraries with threads of their own, no fork
    with ProcessPoolExecutor(jobs, spawn, _begin, (asked, threads)) as pool:
        for fraction in dict.fromkeys(cell.fraction for cell in missing):
            here = [cell for cell in missing if cell.fraction == fraction]
            for one in ([c for c in here if c.method == STATIC], [c for c in here if c.method != STATIC]):
                for told in pool.map(_trained, one):
                    print(told, flush=True)


_HERE: dict[str, Any] = {}  # of a process: what was asked for, and the images


def _begin(asked: argparse.Namespace, threads: int) -> None:
    torch.set_num_threads(threads)
    _HERE.update(asked=asked, images=_images(asked))


def _trained(cell: Cell) -> str:
    """Train one cell, keep what was found, and return a line about it."""
    asked, images = _HERE["asked"], _HERE["images"]
    found = trained(cell, images, asked.device, asked.out, [int(one) for one in asked.every.split(",")])
    _keep(cell.path(asked.out), json.dumps({**asdict(cell), **found}).encode())
    told = f"{cell.method}, R = {cell.every}" if cell.every else cell.method
    return (
        f"{told}, {cell.fraction}, seed {cell.seed}: {found['accuracy']:.4f} in {found['wall']:.0f} s, "
        f"{found['cpu']:.0f} of the processor, {found['choosing_cpu']:.0f} of them choosing"
    )


def trained(cell: Cell, images: Images, device: str, home: Path, states: Sequence[int]) -> dict[str, Any]:
    """Train one cell; return its accuracy after the last step, and where the seconds went."""
    n = len(images.train)
    k = n if cell.method == EVERYTHING else keep_count(cell.fraction, n)
    batch = min(BATCH, max(2, k // FEWEST))
    torch.manual_seed(cell.seed)
    model = build("resnet8", (3, 32, 32), 10).to(memory_format=torch.channels_last).to(device)
    train = images.train.to(device), images.labels.to(device)
    sampler = _sampler(cell, model, train, images, n)
    sampler.rows_of(0)  # in the history of all, also of those that go on from a state
    training = Training(model, sampler, train, images, batch, cell.epochs * math.ceil(k / batch))
    kept = {epoch: cell.state(home, epoch) for epoch in states if epoch < cell.epochs}
    if cell.method in METHODS and cell.method != STATIC and kept.get(cell.every, home / "none").exists():
        training.resume(kept[cell.every])
    training.fit(kept if cell.method == STATIC else {})
    return {
        **training.clock.told(),
        "accuracy": _accuracy(model, images, device),
        "choices": len(sampler.history),
        "k": k,
    }


class Training:
    """A network that is trained on what a sampler says."""

    def __init__(
        self,
        model: nn.Module,
        sampler: AdaptiveSampler,
        train: tuple[Tensor, Tensor],
        images: Images,
        batch: int,
        steps: int,
    ) -> None:
        self.model, self.sampler, self.train, self.images = model, sampler, train, images
        self.batch, self.steps = batch, steps
        decayed = [one for one in model.parameters() if one.ndim > 1]
        plain = [one for one in model.parameters() if one.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.SGD(groups, PEAK, momentum=0.9, nesterov=True)
        self.clock = Clock()
        self.epoch = self.done = 0

    def fit(self, kept: Mapping[int, Path]) -> None:
        """Train to the last epoch; keep the state that it has when some begin."""
        while self.epoch < self.sampler.epochs:
            if self.epoch in kept:
                self.clock.lap()
                self._keep(kept[self.epoch])
                self.clock = Clock(**self.clock.told())
            self._one_epoch()
        self.clock.lap()

    def _one_epoch(self) -> None:
        self.clock.lap()
        self.sampler.set_epoch(self.epoch)
        rows = list(self.sampler)
        wall, cpu = self.clock.lap()
        self.clock.choosing_wall += wall
        self.clock.choosing_cpu += cpu
        source = torch.Generator().manual_seed(1_000_003 * self.sampler.seed + self.epoch)
        moves = Moves.draw(len(rows), crop=CROP, flip=True, source=source)
        self.model.train()
        for start in range(0, len(rows), self.batch):
            self._step(rows[start : start + self.batch], moves.part(start, start + self.batch))
        self.epoch += 1

    def _step(self, rows: Sequence[int], moves: Moves) -> None:
        rise = max(1.0, WARMUP * self.steps)
        rate = PEAK * min((self.done + 1) / rise, (self.steps - self.done) / max(1.0, self.steps - rise))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        pictures, labels = self.train
        weights = torch.tensor([getattr(row, "weight", 1.0) for row in rows], device=labels.device)
        at = torch.tensor(rows, device=labels.device)
        logits = self.model(self.images.scaled(moves.apply(pictures[at])))
        loss = (functional.cross_entropy(logits, labels[at], reduction="none") * weights).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.done += 1

    def _keep(self, path: Path) -> None:
        sink = io.BytesIO()
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save({**state, "clock": self.clock.told(), "epoch": self.epoch, "done": self.done}, sink)
        _keep(path, sink.getvalue())

    def resume(self, path: Path) -> None:
        """Go on from a state, with its seconds."""
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.clock, self.epoch, self.done = Clock(**state["clock"]), state["epoch"], state["done"]


def _sampler(
    cell: Cell, model: nn.Module, train: tuple[Tensor, Tensor], images: Images, n: int
) -> AdaptiveSampler:
    if cell.method == EVERYTHING:
        once = {"method": "random", "every": cell.epochs}
        return AdaptiveSampler(None, None, rows=n, fraction=1, epochs=cell.epochs, seed=cell.seed, **once)

    def batches() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for rows in torch.arange(n).split(LOOK):
            yield images.scaled(train[0][rows]), train[1][rows], rows

    return AdaptiveSampler(
        model,
        batches,
        rows=n,
        fraction=cell.fraction,
        epochs=cell.epochs,
        every=cell.every or cell.epochs,
        seed=cell.seed,
        batch=BATCH if n >= 100 * BATCH else max(2, n // 100),
        **METHODS[cell.method],
    )


def _accuracy(model: nn.Module, images: Images, device: str) -> float:
    model.eval()
    right = 0
    with torch.no_grad():
        for rows in torch.arange(len(images.test)).split(LOOK):
            logits = model(images.scaled(images.test[rows].to(device)))
            right += int((logits.argmax(1).cpu() == images.test_labels[rows]).sum())
    return right / len(images.test)


def _arrays(asked: argparse.Namespace) -> Path:
    return asked.out / f"images-{asked.images}-{'digits' if asked.data is None else 'cifar'}.npz"


def _prepare(asked: argparse.Namespace) -> None:
    """Decode the images once."""
    if _arrays(asked).exists():
        return
    found = _digits() if asked.data is None else {one: _decoded(asked.data, one) for one in ("train", "test")}
    some = np.sort(np.random.default_rng(0).permutation(len(found["train"][0]))[: asked.images])
    arrays = {"train": found["train"][0][some], "labels": found["train"][1][some]}
    sink = io.BytesIO()
    np.savez(sink, **arrays, test=found["test"][0], test_labels=found["test"][1])
    _keep(_arrays(asked), sink.getvalue())


def _images(asked: argparse.Namespace) -> Images:
    with np.load(_arrays(asked)) as held:
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


def _keep(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_bytes(data)
    os.replace(new, path)  # noqa: PTH105


def show(found: Sequence[dict[str, Any]], fraction: str) -> None:
    """Print a table: adaptive random first, then the others, each beside adaptive random of the same R."""
    here = [one for one in found if one["fraction"] in {fraction, "1"}]
    order = [*METHODS, EVERYTHING]
    rows = sorted(
        {(one["method"], one["every"]) for one in here}, key=lambda row: (order.index(row[0]), row[1])
    )
    print(f"\n{100 * float(fraction):g} % kept, accuracy in % after the last epoch\n")
    print("| method | R | seeds | accuracy | to adaptive random | seconds | CPU s | choosing | choices |")
    print("|---|---|---|---|---|---|---|---|---|")
    for method, every in rows:
        cells = {one["seed"]: one for one in here if (one["method"], one["every"]) == (method, every)}
        mean = mean_interval([one["accuracy"] for one in cells.values()])
        half = "" if mean.high is None else f" ± {100 * (mean.high - mean.mean):.1f}"
        wall, cpu, choosing = (
            np.mean([one[key] for one in cells.values()]) for key in ("wall", "cpu", "choosing_cpu")
        )
        name = f"**{method}**" if method == RANDOM else method
        print(
            f"| {name} | {every or ''} | {len(cells)} | {100 * mean.mean:.1f}{half} "
            f"| {_beside(here, cells, method, every)} | {wall:.0f} | {cpu:.0f} | {choosing:.1f} "
            f"| {next(iter(cells.values()))['choices']} |"
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
