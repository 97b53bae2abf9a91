"""One million samples and the shape of ImageNet's gradients: time and peak memory of each method.

    python benchmarks/scale.py --dir scale                        # all steps; 7 GB of disk
    python benchmarks/scale.py --dir try --n 20000 --steps neighbours,gio
    python benchmarks/scale.py --dir scale --steps kcenter_tenth --n 1280000 --device cuda

Embeddings (n × 512, float16, 1,000 clusters, one in twenty a near duplicate) and a target of 10,000 are
written once and go through `prune embed` into a store; each step is a process of its own that selects from
that store. The gradients are factors of a made layer in ImageNet's shape: errors (1,281,167 × 1,000) and
features (1,281,167 × 512), float16, mapped from files; with another --n, so many samples and a hundredth as
many classes. CPU seconds are those of all threads. Peak memory is the largest resident size of the process,
pages of mapped files included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SEED = 0
BLOCK = 8192
CLUSTERS = 1000
DUPLICATES = 20  # one sample in so many
TARGET = 10_000
IMAGENET = (1_281_167, 1_000)  # samples, classes

STEPS: dict[str, dict[str, Any]] = {
    "neighbours": {},
    "facility_location": {"method": "facility_location", "fraction": 0.1},
    "kcenter": {"method": "kcenter", "fraction": 0.01},
    "semdedup": {"method": "semdedup"},
    "gio": {"method": "gio", "fraction": 0.1, "target": "target.npy"},
    "gio_coverage": {"method": "gio", "fraction": 0.1, "target": "target.npy", "options": ["coverage=true"]},
    "gradmatch": {},
    "kcenter_tenth": {"method": "kcenter", "fraction": 0.1},
}
DEFAULT = [step for step in STEPS if step != "kcenter_tenth"]  # half an hour on two cores


def main() -> None:
    """Make the data, then run each step in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, required=True, help="where data and stores lie; kept, and reused")
    parser.add_argument("--steps", default=",".join(DEFAULT))
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--max-memory", type=float, default=4.0, help="GiB for searches, beyond the columns")
    parser.add_argument("--run", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(measured(options)))
        return
    steps = options.steps.split(",")
    if unknown := [step for step in steps if step not in STEPS]:
        parser.error(f"no step is called {', '.join(unknown)}; there are {', '.join(STEPS)}")
    options.dir.mkdir(parents=True, exist_ok=True)
    if set(steps) != {"gradmatch"}:
        make_store(options)
    if "gradmatch" in steps:
        make_factors(options)
    print(f"n={options.n} d={options.d} {options.device}\n")
    print("| step | kept | wall s | CPU s | peak GiB | |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    found = [run(step) for step in steps]
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def run(step: str) -> dict[str, Any]:
    """Start this program again for one step, and print its line."""
    words = [sys.executable, __file__, *sys.argv[1:], "--run", step]
    result = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    kept = f"{result['kept']} of {result['n']}" if result["kept"] else ""
    figures = f"{result['wall']:.1f} | {result['cpu']:.1f} | {result['peak'] / 2**30:.2f}"
    facts = ", ".join(f"{name} {_said(value)}" for name, value in result["facts"].items() if _is_plain(value))
    print(f"| {step} | {kept} | {figures} | {facts} |", flush=True)
    return result


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Run one step in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    kinds = {"neighbours": neighbours, "gradmatch": gradmatch}
    found = kinds.get(options.run, select)(options)
    return {
        "step": options.run,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **found,
    }


def select(options: argparse.Namespace) -> dict[str, Any]:
    """`prune select` from the store."""
    import prune

    asked = dict(STEPS[options.run])
    if "target" in asked:
        asked["target"] = str(place(options) / asked["target"])
    found = prune.select(place(options) / ".prune", name=options.run, settings=settings(options), **asked)
    stages = {f"{stage} s": seconds for stage, seconds in found["seconds"]["select"].items()}
    return {"n": found["n"], "kept": found["k"], "facts": {**found["facts"], **stages}}


def neighbours(options: argparse.Namespace) -> dict[str, Any]:
    """The graph of 64 neighbours alone."""
    import prune
    from prune.index.neighbours import nearest
    from prune.index.space import EmbeddingSpace

    asked = settings(options)
    column = prune.Store(place(options) / ".prune").column("embedding.precomputed").read()
    space = EmbeddingSpace(column, device=asked.torch_device, memory=asked.memory_limit)
    found = nearest(space, 64, seed=SEED)
    return {"n": space.n, "kept": 0, "facts": {"kind": found.kind, "recall": found.recall}}


def gradmatch(options: argparse.Namespace) -> dict[str, Any]:
    """A tenth of every class, by gradients as factors."""
    import prune

    errors, features, labels = (np.load(path, mmap_mode="r") for path in factor_files(options))
    found = prune.select_rows(
        errors=errors,
        features=features,
        labels=np.asarray(labels),
        method="gradmatch",
        k=round(len(labels) / 10),
        quota="proportional",
        settings=settings(options),
    )
    return {"n": len(labels), "kept": len(found), "facts": dict(found.facts)}


def settings(options: argparse.Namespace) -> Any:
    """Device and memory."""
    from prune.steps.settings import Settings

    return Settings(seed=SEED, device=options.device, memory=int(options.max_memory * 2**30))


def place(options: argparse.Namespace) -> Path:
    """Return the folder of this size."""
    folder: Path = options.dir / f"{options.n}x{options.d}"
    return folder


def make_store(options: argparse.Namespace) -> None:
    """Write embeddings and target, and embed the former."""
    import prune

    folder = place(options)
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(SEED)
    centres = rng.standard_normal((CLUSTERS, options.d)).astype(np.float32)
    sizes = rng.dirichlet(np.ones(CLUSTERS))
    for name, n, copies in (("embeddings.npy", options.n, DUPLICATES), ("target.npy", TARGET, 0)):
        if not (folder / name).exists():
            out = _new(folder / name, (n, options.d))
            for start in range(0, n, BLOCK):
                span = slice(start, min(start + BLOCK, n))
                size = span.stop - span.start
                block = centres[rng.choice(CLUSTERS, size, p=sizes)]
                block = block + np.float32(0.7) * rng.standard_normal(block.shape, np.float32)
                if copies:
                    twins = block[copies // 2 :: copies]
                    block[: len(twins)] = twins + np.float32(0.01) * rng.standard_normal(
                        twins.shape, np.float32
                    )
                out[span] = block
            _finish(out, folder / name)
    if not (folder / ".prune").exists():
        began = time.perf_counter()
        prune.embed(folder / ".prune", str(folder / "embeddings.npy"))
        print(f"embed: {time.perf_counter() - began:.1f} s")


def factor_files(options: argparse.Namespace) -> list[Path]:
    """Return the places of errors, features and labels."""
    return [place(options) / f"{name}.npy" for name in ("errors", "features", "classes")]


def make_factors(options: argparse.Namespace) -> None:
    """Write the factors of a made layer, half-trained, over classes of equal size."""
    (samples, classes), files = IMAGENET, factor_files(options)
    if all(path.exists() for path in files):
        return
    place(options).mkdir(exist_ok=True)
    n = samples if options.n == 1_000_000 else options.n
    c = max(min(classes, n // 100), 2)
    rng = np.random.default_rng(SEED)
    layer = rng.standard_normal((c, options.d)).astype(np.float32)
    labels = rng.permutation(np.arange(n) % c)
    errors, features = _new(files[0], (n, c)), _new(files[1], (n, options.d))
    for start in range(0, n, BLOCK):
        mine = labels[start : start + BLOCK]
        h = np.maximum(layer[mine] + 2 * rng.standard_normal((len(mine), options.d), np.float32), 0)
        logits = (h - h.mean(1, keepdims=True)) @ layer.T * np.float32(8 / options.d)
        probs = np.exp(logits - logits.max(1, keepdims=True))
        probs /= probs.sum(1, keepdims=True)
        probs[np.arange(len(mine)), mine] -= 1
        errors[start : start + BLOCK], features[start : start + BLOCK] = probs, h
    _finish(errors, files[0])
    _finish(features, files[1])
    np.save(files[2], labels)


def _new(path: Path, shape: tuple[int, int]) -> np.memmap:
    return np.lib.format.open_memmap(path.with_suffix(".part"), "w+", np.float16, shape)


def _finish(array: np.memmap, path: Path) -> None:
    array.flush()
    path.with_suffix(".part").rename(path)


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | str) or (isinstance(value, dict) and "mean" in value)


def _said(value: Any) -> str:
    value = value["mean"] if isinstance(value, dict) else value
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
