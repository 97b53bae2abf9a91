"""Shared cores: what one and two busy processes cost, how fast training is, and how accurate the proxy.

    python benchmarks/busy.py --data FOLDER                  # ten minutes
    python benchmarks/busy.py --data FOLDER --samples 0      # all of CIFAR-10

FOLDER holds CIFAR-10 as parquet, `train-*.parquet` and `test-*.parquet`. Two tables, each from one run:

- work alone, and beside one and two processes that only count; in turns, medians of the rounds. On two cores
  a fair share is 1.5 and 2 times the quiet time; what spins at a barrier takes fifty times.
- the default proxy with its look at every sample after each epoch, beside a plain float32 loop with the same
  network, optimiser, order and looks, in turns epoch by epoch; then the accuracy of both on the test set.

Exit code 1 where a limit is not kept; that of the accuracy counts with all samples and ten epochs only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prune.system.spinning import bound_spinning

bound_spinning()  # before the libraries are loaded, as the command line does

import cifar
import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from prune.index.farthest import farthest_first
from prune.index.graph import similarity_graph
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace
from prune.proxy.config import Training
from prune.proxy.evaluate import Observer, batch_of
from prune.proxy.grad_norm_column import norms_of
from prune.proxy.inputs import Inputs, Moves
from prune.proxy.torch_device import generator
from prune.proxy.train import Trainer
from prune.store import SAMPLES, Dataset, Store
from prune.system.cores import core_count, thread_count

LIMITS = {1: 2.5, 2: 4.0}  # times the quiet time, by busy processes
SLOWER, ACCURACY = 1.15, 0.829  # times a plain loop; on the test set after ten epochs
COUNT = "while True: pass"
CPU = torch.device("cpu")


def main() -> None:
    """Measure and print; exit with 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train and test parquet files")
    parser.add_argument("--samples", type=int, default=8_000, help="images to learn from; 0: all")
    parser.add_argument("--busy-samples", type=int, default=2_048, help="images of the first table")
    parser.add_argument("--points", type=int, default=10_000, help="embeddings of kcenter and the graph")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {core_count()} cores, {thread_count()} threads\n")
    with tempfile.TemporaryDirectory() as folder:
        kept = busy(options, Path(folder) / "busy")
        kept &= beside_a_plain_loop(options, Path(folder) / "whole")
    sys.exit(0 if kept else 1)


def busy(options: argparse.Namespace, home: Path) -> bool:
    """Print the seconds of each work alone and beside busy processes; say whether the limits are kept."""
    inputs = fed(*decoded(next(options.data.glob("train-*.parquet")), options.busy_samples), home)
    trainer = Trainer(inputs, Training(), 0)
    points = np.random.default_rng(0).normal(size=(options.points, 128)).astype(np.float32)
    works: dict[str, Callable[[], object]] = {
        "training, an epoch": lambda: trainer.epoch(1, lambda _: None),
        "grad_norm": lambda: norms_of(trainer.model, inputs, inputs.rows, lambda _: None),
        "kcenter, a tenth": lambda: farthest_first(EmbeddingSpace(points), len(points) // 10),
        "graph of 64 neighbours": lambda: similarity_graph(Similarity(EmbeddingSpace(points)), 64),
    }
    print("| | alone, s | one busy process | two |\n|---|---:|---:|---:|")
    kept = True
    for name, work in works.items():
        work()  # compiles
        taken: dict[int, list[float]] = {0: [], 1: [], 2: []}
        for _ in range(options.rounds):
            for others, seconds in taken.items():
                with counting(others):
                    seconds.append(clocked(work))
        alone, *beside = (statistics.median(seconds) for seconds in taken.values())
        times = [seconds / alone for seconds in beside]
        kept &= all(found <= limit for found, limit in zip(times, LIMITS.values(), strict=True))
        print(f"| {name} | {alone:.2f} | {times[0]:.2f} × | {times[1]:.2f} × |", flush=True)
    print(f"| at most | | {LIMITS[1]} × | {LIMITS[2]} × |\n")
    return kept


@contextlib.contextmanager
def counting(others: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    processes = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(others)]
    try:
        time.sleep(0.3 if others else 0)  # until they count
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def beside_a_plain_loop(options: argparse.Namespace, home: Path) -> bool:
    """Print seconds and accuracy of the proxy and of a plain loop; say whether the limits are kept."""
    pixels, labels = decoded(next(options.data.glob("train-*.parquet")), options.samples)
    inputs, training = fed(pixels, labels, home), Training(epochs=options.epochs)
    trainer, observer = Trainer(inputs, training, 0), Observer(inputs)
    plain = Plain(inputs, training)

    def ours(epoch: int) -> None:
        trainer.epoch(epoch, lambda _: None)
        observer.look(trainer.model, epoch, lambda _: None)

    seconds: dict[str, list[float]] = {"prune": [], "plain float32 loop": []}
    for epoch in range(1, options.epochs + 1):
        for taken, work in zip(seconds.values(), (ours, plain.epoch), strict=True):
            taken.append(clocked(lambda work=work, epoch=epoch: work(epoch)))
    tested = decoded(next(options.data.glob("test-*.parquet")), 0)
    found = [accuracy(net.model, inputs, *tested) for net in (trainer, plain.trainer)]
    print(
        f"| {len(labels):,} images, {options.epochs} epochs | s | images/s | accuracy |\n|---|---:|---:|---:|"
    )
    for (name, taken), share in zip(seconds.items(), found, strict=True):
        rate = len(labels) * len(taken) / sum(taken)
        print(f"| {name} | {sum(taken):.1f} | {rate:,.0f} | {share:.1%} |")
    mine, loops = seconds.values()
    ratio = statistics.median(a / b for a, b in zip(mine, loops, strict=True))
    print(
        f"\n{sum(mine) / sum(loops):.2f} × the time of the loop, median of the epochs {ratio:.2f} ×;", end=" "
    )
    print(f"at most {SLOWER} ×. Accuracy at least {ACCURACY:.1%} with all images and 10 epochs.")
    whole = options.samples == 0 and options.epochs == 10
    return ratio <= SLOWER and (found[0] >= ACCURACY or not whole)


class Plain:
    """The loop that people write: whole batches, torch's own threads, float32 or autocast, channels last."""

    def __init__(self, inputs: Inputs, training: Training, *, bfloat16: bool = False) -> None:
        self.bfloat16 = bfloat16
        self.trainer = Trainer(inputs, training, 0)  # its network, optimiser and learning rates
        self.inputs, self.training = inputs, training

    def epoch(self, number: int) -> None:
        """Train for an epoch, then look at every sample."""
        before = torch.get_num_threads()
        torch.set_num_threads(thread_count())
        try:
            self.train(number)
            self._look()
        finally:
            torch.set_num_threads(before)

    def train(self, number: int) -> None:
        """Train for an epoch, with as many threads as torch has."""
        training, trainer, n = self.training, self.trainer, len(self.inputs.labelled)
        source = generator("epoch", training.seed, 0, number)
        order = self.inputs.labelled[torch.randperm(n, generator=source).numpy()]
        moves = Moves.draw(n, crop=training.crop, flip=training.flip, source=source)
        steps = -(-n // training.batch)
        trainer.model.train()
        for step in range(steps):
            start, stop = n * step // steps, n * (step + 1) // steps
            trainer._pace((number - 1) * steps + step, training.epochs * steps)
            trainer.optimiser.zero_grad()
            images = moves.part(start, stop).apply(self.inputs.take(order[start:stop]))
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):  # keeps weights for a step
                logits = trainer.model(self.inputs.normalise(images)).float()
            torch.autograd.backward(functional.cross_entropy(logits, self.inputs.labels[order[start:stop]]))
            trainer.optimiser.step()

    def _look(self) -> None:
        model, rows, size = self.trainer.model.eval(), self.inputs.rows, batch_of(self.inputs)
        with torch.inference_mode():
            for start in range(0, len(rows), size):
                model(self.inputs.normalise(self.inputs.take(rows[start : start + size]))).softmax(1)


def accuracy(model: torch.nn.Module, inputs: Inputs, pixels: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the test set that a network gets right."""
    right = 0
    with torch.inference_mode():
        for start in range(0, len(pixels), 500):
            images: Tensor = torch.from_numpy(pixels[start : start + 500])
            found = model.eval()(inputs.normalise(images)).argmax(1).numpy()
            right += int((found == labels[start : start + 500]).sum())
    return right / len(labels)


def decoded(parquet: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 3, 32, 32) uint8 and labels, shuffled; the first `count`, or all for 0."""
    images, labels, _, _ = cifar.read(parquet)
    order = np.random.default_rng(0).permutation(len(images))[: count or None]
    pixels = [np.asarray(Image.open(io.BytesIO(images[row])).convert("RGB")) for row in order]
    return np.ascontiguousarray(np.stack(pixels).transpose(0, 3, 1, 2)), labels[order]


def fed(pixels: np.ndarray, labels: np.ndarray, home: Path) -> Inputs:
    """Put images into a store, as `prune score` does, and take them from there."""
    store, n = Store(home), len(labels)
    columns = {name: [None] * n for name in SAMPLES.names}
    columns |= {"key": [f"{row:05d}" for row in range(n)], "label": labels.tolist()}
    classes = [str(label) for label in range(int(labels.max()) + 1)]
    dataset = Dataset("imagefolder", None, classes, {}, pa.table(columns, schema=SAMPLES))
    writer = store.write_column("images.32", {"benchmark": "busy"}, rows=n, part_rows=16_384)
    for part in writer.missing():
        writer.put(part, pixels[part.start : part.stop])
    return Inputs(writer.finish(), dataset, CPU)


def clocked(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
