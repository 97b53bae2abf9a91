"""Workers: what two of one core each bring over one, for `embed`, `score` and `export`.

    python benchmarks/workers.py                          # three rounds, some ten minutes on two cores
    python benchmarks/workers.py --rounds 1 --part 0.2    # a trial
    python benchmarks/workers.py --units times.json       # what each unit takes, for scheduler.py

Each run is a command of its own on a copy of the same store, with as many cores as it has workers; runs go in
turns. Said are the medians of the command, from its start to its end, and of the stage that has the units,
with the CPU seconds of all of its processes: what other programs take of the cores makes the first longer and
not the second. The data are made here: texts of 300 bytes for `embed`, images of 32 pixels for `score`
(four folds of `resnet8`), texts of 8 KB for `export`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
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
LINES, PICTURES, LONG = 4 * 65_536, 2_000, 70_000  # of the whole; parts have 65,536 samples
FOLDS = ["--type", "el2n", "--cross-fit", "4", "--proxy", "resnet8", "--epochs", "8"]
VERBS: dict[str, list[str]] = {  # what is run; `export` writes what was selected
    "embed": ["embed", "{home}/lines.jsonl"],
    "score": ["score", *FOLDS, "{home}/pictures"],
    "export": ["export", "--format", "webdataset", "--out", "{store}.out"],
}
STAGES = {"embed": "embed with", "score": "training", "export": ""}


def main() -> None:
    """Make the data, then run each verb by one worker and by two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", type=float, default=1.0, help="of the data")
    parser.add_argument("--verbs", default=",".join(VERBS))
    parser.add_argument("--units", type=Path, help="write the seconds of single units here, and stop")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        home, verbs = Path(folder), given.verbs.split(",")
        make(home, given.part, verbs)
        if given.units:
            given.units.write_text(json.dumps({verb: units_of(home, verb) for verb in verbs}, indent=1))
            return
        for verb in verbs:
            compare(home, verb, given.rounds)


def make(home: Path, part: float, verbs: Sequence[str]) -> None:
    """Write the data, and the store that each run begins with."""
    draw = random.Random(0)
    if "embed" in verbs:
        _texts(home / "lines.jsonl", round(LINES * part), 40, draw)
    if "score" in verbs:
        _pictures(home / "pictures", round(PICTURES * part))
        few = ["--type", "el2n", "--proxy", "mlp", "--epochs", "1"]  # decodes the images
        prune(home, "score", 1, ["score", *few, "{home}/pictures"])
    if "export" in verbs:
        _texts(home / "long.jsonl", round(LONG * part), 1200, draw)
        prune(home, "export", 1, ["score", "--type", "length", "{home}/long.jsonl"])
        prune(home, "export", 1, ["select", "--method", "random", "--fraction", "0.95"])


def _texts(path: Path, count: int, words: int, draw: random.Random) -> None:
    pools = [" ".join(draw.choices(WORDS, k=words)) for _ in range(200)]
    with path.open("w") as file:
        for number in range(count):
            text = f"{number} {pools[number % 200]} {pools[(number // 200) % 200][:20]}"
            file.write(json.dumps({"text": text, "label": number % 3}) + "\n")


def _pictures(folder: Path, count: int) -> None:
    draw = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"{number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels // 2 + (number % 10) * 12).save(place / f"{number}.png")


def prune(home: Path, store: str, workers: int, words: Sequence[str]) -> tuple[float, float, dict[str, Any]]:
    """Run a command by so many workers; return its seconds, its CPU seconds and what it says."""
    place = home / store
    typed = [word.format(home=home, store=place) for word in words]
    command = [sys.executable, "-m", "prune", *typed, "--store", str(place), "--seed", "0", "--json"]
    command += ["--workers", str(workers)] if words[0] != "select" else []
    cores = sorted(os.sched_getaffinity(0))[:workers]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(done.stdout)


def compare(home: Path, verb: str, rounds: int) -> None:
    """Run a verb in turns by one and two workers, and say what came of it."""
    took: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in (1, 2):
            store = home / "run"
            if (home / verb).exists():
                shutil.copytree(home / verb, store)
            wall, cpu, said = prune(home, "run", workers, VERBS[verb])
            took[workers].append((wall, cpu, _stage(verb, said["seconds"])))
            shutil.rmtree(store)
            shutil.rmtree(f"{store}.out", ignore_errors=True)
    one, two = ([statistics.median(column) for column in zip(*took[count], strict=True)] for count in (1, 2))
    for name, at in (("command", 0), ("stage", 2)):
        spread = " ".join(f"{run[at]:.1f}" for run in [*took[1], *took[2]])
        print(f"{verb} {name}: {one[at]:.1f} s, {two[at]:.1f} s: {one[at] / two[at]:.2f} x   ({spread})")
    print(f"{verb} CPU: {one[1]:.1f} s, {two[1]:.1f} s", flush=True)


def _stage(verb: str, seconds: Any) -> float:
    """Return the seconds of what has units: the stages of one name, or the longest."""
    stages = {name: of for name, of in seconds.items() if name != "total" and isinstance(of, int | float)}
    named = [of for name, of in stages.items() if STAGES[verb] and name.startswith(STAGES[verb])]
    return sum(named) if named else max(stages.values(), default=seconds.get("total", 0.0))


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
    store = home / "units" if verb == "embed" else home / verb
    if verb == "embed":
        library.embed(store, str(home / "lines.jsonl"), settings=settings)
    elif verb == "score":
        how: dict[str, Any] = {"types": ["el2n"], "cross_fit": 4}
        how["training"] = {"proxy": "resnet8", "epochs": 8}
        library.score(store, str(home / "pictures"), **how, settings=settings)
    else:
        library.export(store, format="webdataset", out=home / "out", settings=settings)
    return timed.seconds


if __name__ == "__main__":
    main()
