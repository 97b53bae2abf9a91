"""Workers: what two of one core each bring over one, for `embed`, neighbours, semdedup, `export` and `score`.

    python benchmarks/workers.py                          # two rounds, some eight minutes on two cores
    python benchmarks/workers.py --rounds 1 --part 0.2    # a trial
    python benchmarks/workers.py --units times.json       # what each unit takes, for scheduler.py

Each run is a command of its own on a copy of the same store, with as many cores as it has workers; runs go in
turns, and the quickest of each counts. A command is run on few data and on many: what it takes longer for
many is the work, and what few have in common with many is the start, that of worker processes included; both
are said, and the speed-up of the work alone. Workers are processes for `embed`, `score` and `export`, and
threads for what compares samples. The data are made here: texts of 300 bytes for `embed`, points of 256
numbers for neighbours (`score --type density`) and semdedup, texts of 8 KB for `export`, images of 32 pixels
for `score` (four folds of `resnet8`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WORDS = [f"word{number}" for number in range(5000)]
FOLDS = ["--type", "el2n", "--cross-fit", "4", "--proxy", "resnet8", "--epochs", "8"]
VERBS: dict[str, list[str]] = {  # what is run
    "embed": ["embed", "{data}.jsonl"],
    "neighbours": ["score", "--type", "density", "--on", "precomputed"],
    "semdedup": ["select", "--method", "semdedup", "--on", "precomputed"],
    "export": ["export", "--format", "webdataset", "--out", "{store}.out"],
    "score": ["score", *FOLDS, "{data}"],
}
SIZES = {  # few and many samples; a part of a column has 65,536
    "embed": (2 * 65_536, 8 * 65_536),
    "neighbours": (30_000, 80_000),
    "semdedup": (100_000, 400_000),
    "export": (70_000, 210_000),
    "score": (1_000, 4_000),
}
UNITS = {"embed": 4 * 65_536, "score": 2_000, "export": 70_000}  # samples whose units are timed
THREADED = {"neighbours", "semdedup"}  # whose workers are threads
ASKED = ("embed", "neighbours", "semdedup", "export")


def main() -> None:
    """Make the data, then run each verb by one worker and by two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--part", type=float, default=1.0, help="of the data")
    parser.add_argument("--verbs", default=",".join(ASKED), help=f"of {', '.join(VERBS)}")
    parser.add_argument("--units", type=Path, help="write the seconds of single units here, and stop")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        home, verbs = Path(folder), given.verbs.split(",")
        if given.units:
            given.units.write_text(json.dumps({verb: units_of(home, verb) for verb in UNITS}, indent=1))
            return
        print("| | 1 worker: few, many | 2 workers | as a whole | the work | CPU s of many |")
        print("|---|---|---|---|---|---|", flush=True)
        for verb in verbs:
            compare(home, verb, given.rounds, [round(size * given.part) for size in SIZES[verb]])


def make(home: Path, verb: str, count: int) -> Path:
    """Write data, and the store that each run begins with, which has what has no units; return its place."""
    place, draw = home / f"{verb}-{count}", random.Random(0)
    data = place.with_suffix(".data")
    if verb in {"embed", "export"}:
        _texts(Path(f"{data}.jsonl"), count, 1200 if verb == "export" else 40, draw)
        prune(place, data, 1, ["score", "--type", "length", "{data}.jsonl"])
        if verb == "export":
            prune(place, data, 1, ["select", "--method", "random", "--fraction", "0.95"])
    elif verb == "score":
        _pictures(data, count)  # whose images are decoded by a score of another kind
        prune(place, data, 1, ["score", "--type", "el2n", "--proxy", "mlp", "--epochs", "1", "{data}"])
    else:
        np.save(f"{data}.npy", _points(count))
        prune(place, data, 1, ["embed", "{data}.npy"])
    return place


def _texts(path: Path, count: int, words: int, draw: random.Random) -> None:
    pools = [" ".join(draw.choices(WORDS, k=words)) for _ in range(200)]
    with path.open("w") as file:
        for number in range(count):
            text = f"{number} {pools[number % 200]} {pools[(number // 200) % 200][:20]}"
            file.write(json.dumps({"text": text, "label": number % 3}) + "\n")


def _points(count: int) -> np.ndarray:
    draw = np.random.default_rng(0)
    points = draw.standard_normal((count, 256), np.float32)
    points += draw.standard_normal((200, 256), np.float32)[draw.integers(0, 200, count)]
    points[::20] = points[1::20] + np.float32(0.01)
    return points.astype(np.float16)


def _pictures(folder: Path, count: int) -> None:
    draw = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"{number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels // 2 + (number % 10) * 12).save(place / f"{number}.png")


def prune(
    store: Path, data: Path, workers: int, words: Sequence[str], threads: int = 1
) -> tuple[float, float]:
    """Run a command by so many workers of so many threads; return its seconds, and its CPU seconds."""
    typed = [word.format(data=data, store=store) for word in words]
    command = [sys.executable, "-m", "prune", *typed, "--store", str(store), "--seed", "0", "--json"]
    cores = sorted(os.sched_getaffinity(0))[:workers]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*command, "--workers", str(workers)],
        env={**os.environ, "OMP_NUM_THREADS": f"{threads}", "NUMBA_NUM_THREADS": f"{threads}"},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(home: Path, verb: str, rounds: int, sizes: Sequence[int]) -> None:
    """Run a verb on few and many samples in turns by one and two workers, and say what came of it."""
    begun = {size: make(home, verb, size) for size in sizes}
    took: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for size, store in begun.items():
            for workers in (1, 2):
                run = home / "run"
                shutil.copytree(store, run)
                os.sync()  # what was written before is not waited for in this
                threads = workers if verb in THREADED else 1
                spent = prune(run, store.with_suffix(".data"), workers, VERBS[verb], threads)
                took.setdefault((workers, size), []).append(spent)
                shutil.rmtree(run)
                shutil.rmtree(f"{run}.out", ignore_errors=True)
    few, many = sizes
    (one, lone), (two, both) = (
        [min(seconds for seconds, _ in took[workers, size]) for size in (few, many)] for workers in (1, 2)
    )
    times = f"{one:.1f}, {lone:.1f} s | {two:.1f}, {both:.1f} s"
    cpu = ", ".join(f"{min(spent for _, spent in took[workers, many]):.1f}" for workers in (1, 2))
    work = (lone - one) / (both - two)
    print(
        f"| {verb} of {few:,}, {many:,} | {times} | {lone / both:.2f} × | {work:.2f} × | {cpu} |", flush=True
    )
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


class Timed:
    """An executor that does every unit here, and keeps how long each took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def each(self, work: Callable[..., Any], common: Any, blocks: Any, **_: Any) -> Iterator[Any]:
        """Yield what each unit returns."""
        for block in blocks:
            began = time.process_time()  # of one core, whatever else the machine does
            found = work(*common, *block)
            self.seconds.append(time.process_time() - began)
            yield found


def units_of(home: Path, verb: str) -> list[float]:
    """Return the CPU seconds of every unit of a verb, one after the other; the first opens all."""
    import prune as library
    from prune.steps import embedding_units, export_units
    from prune.steps.score import proxy_units

    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"
    timed = Timed()
    for module in (embedding_units, export_units, proxy_units):
        module.executor_for = lambda *_, **__: timed  # type: ignore[attr-defined]
    settings = library.Settings(workers=2, device="cpu")
    store = make(home, verb, UNITS[verb])
    data = store.with_suffix(".data")
    if verb == "embed":
        library.embed(store, f"{data}.jsonl", settings=settings)
    elif verb == "score":
        how: dict[str, Any] = {"types": ["el2n"], "cross_fit": 4}
        how["training"] = {"proxy": "resnet8", "epochs": 8}
        library.score(store, str(data), **how, settings=settings)
    else:
        library.export(store, format="webdataset", out=home / "out", settings=settings)
    return timed.seconds


if __name__ == "__main__":
    main()
