"""Exact per-sample gradient norms beside a loop, torch.func and a plain training pass, in one run.

    OMP_NUM_THREADS=1 python benchmarks/gradnorm.py
    python benchmarks/gradnorm.py --nets resnet8,resnet18 --batch 64 --rounds 5

Four programs over the same images and weights, in evaluation mode and channels_last, in turns:

- prune: `gradient_norms`, a batch at a time;
- loop: autograd, one sample at a time;
- vmap: `torch.func.vmap(grad(…))` in chunks of eight;
- plain: forward and backward of the summed loss at the same batch, which yields no norms: what a training
  step takes.

Rates are images a second, medians by CPU seconds; the ratios are of CPU seconds. The loop and vmap do a part
of the images. Run it with one thread where the machine is shared: threads that wait spin, which is CPU time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import Case, Program, Run, in_turns, once
from torch import Tensor, nn
from torch.nn import functional

from prune.proxy.models import build
from prune.proxy.sample_grad_norms import gradient_norms

NETS = {"resnet8": 256, "resnet20": 128, "lenet": 512, "mlp": 512, "resnet18": 32}  # images
CLASSES, SIZE, CHUNK = 10, 32, 8
FLOORS = {"loop": 2.2, "vmap": 7.0, "plain": 0.6}  # at least this many times as fast, on a CPU
HEAD = "| net | program | images/s | images/CPU s | CPU × | MB | largest relative difference |"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nets", default=",".join(NETS), help="default: %(default)s")
    parser.add_argument("--n", type=int, help="images; default: what suits the net")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batches of {options.batch}\n")
    print(HEAD + "\n|" + " --- |" * (HEAD.count("|") - 1), flush=True)
    figures = {}
    for net in options.nets.split(","):
        n = options.n or NETS.get(net, 32)
        figures[net] = compare(net, n, options.batch, options.rounds)
    print("\nprune is faster than the loop and vmap by these factors, and does this part of a plain pass:")
    for net, found in figures.items():
        ratios = ", ".join(f"{name} {found['times'][name]:.2f} (aim {FLOORS[name]:g})" for name in FLOORS)
        small, large = found["megabytes"]
        print(f"{net}: {ratios}; memory {small:.0f} MB for n, {large:.0f} MB for 4 n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def compare(net: str, n: int, batch: int, rounds: int) -> dict[str, Any]:
    """Run the four programs on one net, and print their rows."""
    model, images, labels = made(net, n)
    part = max(min(n, CHUNK), n // 8)
    few, many = (images[:part], labels[:part]), (images, labels)
    case = Case(
        f"n={n}",
        {
            "prune": Program(lambda: ours(model, *many, batch)),
            "loop": Program(lambda: loop(model, *few), share=part / n),
            "vmap": Program(lambda: by_vmap(model, *few), share=part / n),
            "plain": Program(lambda: plain(model, *many, batch)),
        },
    )
    ours(model, images[:batch], labels[:batch], batch)  # threads and kernels are there before the clock
    runs = in_turns(case, rounds)
    for name, run in runs.items():
        print(_line(net, n, name, run, runs["prune"]), flush=True)
    memory = [growing(model, images.repeat(c, 1, 1, 1), labels.repeat(c), batch) for c in (1, 4)]
    return {
        "n": n,
        "cpu": {name: run.cpu for name, run in runs.items()},
        "times": {name: runs[name].cpu / runs["prune"].cpu for name in FLOORS},
        "difference": {name: difference(runs[name], runs["prune"]) for name in ("loop", "vmap")},
        "megabytes": memory,
    }


def growing(model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> float:
    """Return the peak in MB of our norms, beyond the images."""
    return once(Program(lambda: ours(model, images, labels, batch)), cold=True).megabytes


def made(net: str, n: int) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a net whose normalisations have seen images, and uint8 images with labels."""
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=source, dtype=torch.uint8)
    labels = torch.randint(0, CLASSES, (n,), generator=source)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(net, (3, SIZE, SIZE), CLASSES).to(memory_format=torch.channels_last)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(seen(images[:16]))
    return model.eval(), images, labels


def seen(images: Tensor) -> Tensor:
    """Return what a proxy sees of a batch: float32 around 0, channels last."""
    return ((images.float() - 127.5) / 74).contiguous(memory_format=torch.channels_last)


def ours(model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> np.ndarray:
    """Norms by layer, a batch at a time."""
    found = [
        gradient_norms(model, seen(images[i : i + batch]), labels[i : i + batch])
        for i in range(0, len(images), batch)
    ]
    return torch.cat(found).numpy()


def loop(model: nn.Module, images: Tensor, labels: Tensor) -> np.ndarray:
    """A backward pass a sample."""
    weights = list(model.parameters())
    norms = []
    for i in range(len(images)):
        loss = functional.cross_entropy(model(seen(images[i : i + 1])), labels[i : i + 1])
        norms.append(sum(g.square().sum() for g in torch.autograd.grad(loss, weights)) ** 0.5)
    return torch.stack(norms).numpy()


def by_vmap(model: nn.Module, images: Tensor, labels: Tensor) -> np.ndarray:
    """Gradients of a chunk of samples at once, then their norms."""
    weights = {name: p.detach() for name, p in model.named_parameters()}
    state = dict(model.named_buffers())

    def loss(given: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        logits = torch.func.functional_call(model, (given, state), (x[None],))
        return functional.cross_entropy(logits, y[None])

    gradients = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    norms = []
    for i in range(0, len(images), CHUNK):
        found = gradients(weights, seen(images[i : i + CHUNK]), labels[i : i + CHUNK])
        norms.append(sum(g.flatten(1).square().sum(1) for g in found.values()) ** 0.5)
    return torch.cat(norms).numpy()


def plain(model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> np.ndarray:
    """The gradient of the summed loss, which nobody looks at."""
    weights = list(model.parameters())
    for i in range(0, len(images), batch):
        logits = model(seen(images[i : i + batch]))
        loss = functional.cross_entropy(logits, labels[i : i + batch], reduction="sum")
        torch.autograd.grad(loss, weights)
    return np.empty(0)


def difference(run: Run, ours: Run) -> float:
    """Return the largest relative difference from what prune found."""
    return float(np.abs(run.rows / ours.rows[: len(run.rows)] - 1).max(initial=0))


def _line(net: str, n: int, name: str, run: Run, ours: Run) -> str:
    apart = "" if name in ("prune", "plain") else f"{difference(run, ours):.1e}"
    star = "" if run.share == 1 else " *"
    rates = f"{n / run.wall:.1f} | {n / run.cpu:.1f} | {run.cpu / ours.cpu:.2f}"
    return f"| {net} | {name}{star} | {rates} | {run.megabytes:.0f} | {apart} |"


if __name__ == "__main__":
    main()
