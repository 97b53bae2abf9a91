"""A simulation of the executors for 8 to 512 workers: the speed-up, where it bends, and what bends it.

    python benchmarks/workers.py --units times.json
    python benchmarks/scheduler.py times.json --plot scheduler.png

Units are drawn from those that were measured, times the spread that machines have. The model:

- a cluster of nodes with 8 workers each; a node reads and writes 1.25 GB/s (10 Gbit/s), shared storage gives
  all of them 20 GB/s together: what is asked for at once shares that;
- a worker takes 5 s to begin (libraries, the table of samples), and one in a thousand units is lost and done
  again;
- the process that was called places a unit and looks at what it wrote in 4 ms, one after the other, after it
  did alone what has no units: 2 s, and a share of the work that is said for each verb.

Said for each verb: seconds of one worker, the speed-up of 8 to 512, and the longest of what has to be waited
for: units (the last ones, or too few for all), storage, placing, or what one process does alone.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORKERS = (1, 8, 16, 32, 64, 128, 256, 512)
NODE, LINK, STORAGE = 8, 1.25e9, 20e9  # workers; bytes a second
BEGIN, PLACE, LOST, ALONE = 5.0, 0.004, 0.001, 2.0  # seconds, seconds, a share, seconds
SPREAD = 0.1  # of the speeds of machines, beyond that of units: the deviation of a logarithm


@dataclass(frozen=True)
class Job:
    """A verb on many samples."""

    name: str
    measured: str  # whose units were measured
    units: int
    bytes: float  # that a unit reads and writes
    times: float = 1.0  # of the seconds of a unit that was measured


JOBS = (
    Job("embed, 10^8 texts", "embed", math.ceil(1e8 / 65_536), 65_536 * (300 + 1024)),
    Job("embed, 10^8 images by ResNet-18", "embed", math.ceil(1e8 / 65_536), 65_536 * (1e4 + 1024), 100.0),
    Job("score, 25 proxies of 50,000 images", "score", 25, 50_000 * 3072.0, 50_000 / 2_000 * 20 / 8),
    Job("export, 10^8 samples of 8 KB", "export", math.ceil(1e8 / 4_096), 2 * 4_096 * 8_192.0),
)


def main() -> None:
    """Say what each job takes by ever more workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("times", type=Path, help="what benchmarks/workers.py --units wrote")
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    times = {verb: np.array(found) for verb, found in json.loads(given.times.read_text()).items()}
    curves = {}
    for job in JOBS:
        seconds = times[job.measured][1:]  # the first opens the store too
        found = {count: simulated(job, seconds, count) for count in WORKERS}
        one = found[1][0]
        curves[job.name] = [one / found[count][0] for count in WORKERS]
        print(
            f"{job.name}: {job.units:,} units, median {np.median(seconds) * job.times:.1f} s; 1: {one:.3g} s"
        )
        for count, ratio in zip(WORKERS[1:], curves[job.name][1:], strict=True):
            print(f"  {count:4}: {ratio:6.1f} x  {100 * ratio / count:3.0f} %  {found[count][1]}")
    if given.plot:
        plot(curves, given.plot)


def simulated(job: Job, seconds: np.ndarray, workers: int) -> tuple[float, str]:
    """Return what a job takes by so many workers, and what was waited for longest."""
    draw = np.random.default_rng(workers)
    slow = draw.lognormal(0.0, SPREAD, workers)
    slow *= np.mean(1 / slow)  # together they do as much as so many that are alike
    work = np.random.default_rng(0).choice(seconds, job.units) * job.times
    lost = draw.random(job.units) < LOST
    busy = min(workers, job.units)
    moved = job.bytes / min(LINK / min(NODE, busy), STORAGE / busy)
    free = [(ALONE + BEGIN, worker) for worker in range(workers)]
    placed, ended = ALONE, 0.0
    for unit in range(job.units):
        at, worker = heapq.heappop(free)
        placed = max(placed + PLACE, at)
        takes = work[unit] * slow[worker] + moved
        done = placed + takes * (1 + (0.5 + draw.random() if lost[unit] else 0.0))
        ended = max(ended, done)
        heapq.heappush(free, (done, worker))
    whole = float(work.sum()) / workers
    waits = {
        "units: the last of them, or too few": ended - placed,
        "placing": PLACE * job.units,
        "storage": moved * job.units / busy,
        "the process that was called, and beginning": ALONE + BEGIN,
    }
    longest = max(waits, key=lambda name: waits[name])
    return ended, "the work itself" if waits[longest] < 0.1 * whole else longest


def plot(curves: dict[str, list[float]], path: Path) -> None:
    """Draw the curves, with the line of twice as quick by twice as many."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.8))
    axes.plot(WORKERS, WORKERS, color="0.7", linewidth=1)
    axes.annotate("each as quick as alone", (200, 230), color="0.4", ha="right")
    for name, ratios in curves.items():
        axes.plot(WORKERS, ratios, marker="o", markersize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="workers", ylabel="times as quick as one")
    axes.set_xticks(WORKERS, [str(count) for count in WORKERS])
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
