"""What it costs to start: CPU seconds of commands that have little to do, medians, in one run.

    python -m compileall -q prune && python benchmarks/startup.py      # a minute or two on a quiet machine

Seconds are those of the processor, user and system, of the whole process; what Python itself takes is the
first row. Bytecode is compiled before and kernels are in numba's cache: every command runs once unmeasured.
The table of features is 8,000 × 64, and `embed --features` made the store.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SAMPLES, WIDTH = 8000, 64
COMMANDS = {  # what is typed after `prune`, with the seconds aimed at
    "--help": 0.25,
    "status": 0.3,
    "methods": 0.3,
    "methods kcenter": 0.3,
    "verify": None,
    "select --method random --count 800 --name random": None,
    "select --method kcenter --count 800 --name kcenter": 0.8,
    "select --method semdedup --count 800 --name semdedup": None,
    "export --selection random --format manifest --out manifest": None,
}
REPLACED = {"select": "selections", "export": "manifest"}  # done already, a command would say so and stop


def main() -> None:
    """Measure every command, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="of which the median is shown")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        values = np.random.default_rng(0).normal(size=(SAMPLES, WIDTH))
        np.save(place / "features.npy", values.astype(np.float32))
        prune = [sys.executable, "-m", "prune"]
        seconds([*prune, "embed", "--features", "features.npy", "features.npy", "--quiet"], place)
        rows = [("python -c pass", median([sys.executable, "-c", "pass"], place, runs), None)]
        rows += [
            (f"prune {words}", median([*prune, *words.split()], place, runs), aim)
            for words, aim in COMMANDS.items()
        ]
    print("| command | CPU seconds | aim |\n|---|--:|--:|")
    for words, took, aim in rows:
        print(f"| `{words}` | {took:.2f} | {'' if aim is None else aim} |")


def median(words: list[str], place: Path, runs: int) -> float:
    """Return the median of some runs, after one that is not counted."""
    return statistics.median([seconds(words, place) for _ in range(runs + 1)][1:])


def seconds(words: list[str], place: Path) -> float:
    """Run a command that has not been run yet, as far as the store knows; return what it took."""
    made = next((folder for verb, folder in REPLACED.items() if verb in words), None)
    if made == "selections":
        words = [*words[:-1], f"{words[-1]}{len(list((place / '.prune').glob('selections/*')))}"]
    elif made is not None:
        words = [*words[:-1], f"{words[-1]}{len(list(place.glob('manifest*')))}"]
        words[words.index("--selection") + 1] = "random0"
    process = subprocess.Popen(words, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}: {said}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
