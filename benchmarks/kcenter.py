"""k-center against plain loops that do what DeepCore, SVP and a ten-line numpy program do, side by side.

    python benchmarks/kcenter.py --data gmm --json kcenter.json

The loops are our own writing of the published algorithms. One that would take minutes is stopped after
--picks centres and its time is scaled up linearly (marked *); its first centres are compared with ours. All
run in turns in one process, so that other work on the machine hits them alike; ratios of CPU seconds stand
beside those of wall time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist

from prune.index.farthest import farthest_first, middle
from prune.index.space import EmbeddingSpace

PAGE = 4096


@dataclass
class Result:
    """One row of the table."""

    name: str
    wall: float  # seconds for the whole budget
    cpu: float
    extra_mb: float  # peak beyond what was there before, of the picks that were made
    picks: int
    rows: Any
    ratio: float = 1.0
    cpu_ratio: float = 1.0
    radius: float | None = None
    same: float = 1.0  # share of its rows that ours has among as many
    first_other: int | None = None  # position of the first row that differs from ours


def ours(x: np.ndarray, k: int, first: int) -> np.ndarray:  # noqa: ARG001
    """`farthest_first`, the making of its space included."""
    return farthest_first(EmbeddingSpace(x), k)[0]


def deepcore(x: np.ndarray, k: int, first: int) -> np.ndarray:
    """Torch on the CPU: a (k, n) matrix of distances, and a copy of all unselected rows for each centre."""
    rows = torch.from_numpy(x)
    distances = torch.full((k, len(x)), -1.0)
    selected = torch.zeros(len(x), dtype=torch.bool)
    nearest = torch.full((len(x),), torch.inf)
    taken = [first]
    for i in range(k - 1):
        selected[taken[-1]] = True
        rest = ~selected
        distances[i, rest] = torch.cdist(rows[taken[-1] : taken[-1] + 1], rows[rest])[0]
        nearest = torch.minimum(nearest, distances[i])
        taken.append(int(nearest.argmax()))
    return np.array(taken)


def svp(x: np.ndarray, k: int, first: int) -> np.ndarray:
    """Scipy: a copy of the pool, a (k, n) matrix of distances, float64 `cdist` of each centre to the pool."""
    pool = x.copy()
    distances = np.empty((k, len(x)), np.float32)
    nearest = np.full(len(x), np.inf, np.float32)
    taken = [first]
    for i in range(k - 1):
        distances[i] = cdist(x[taken[-1] : taken[-1] + 1], pool)[0]
        np.minimum(nearest, distances[i], out=nearest)
        nearest[taken[-1]] = -1
        taken.append(int(nearest.argmax()))
    return np.array(taken)


def gemv(x: np.ndarray, k: int, first: int) -> np.ndarray:
    """Numpy: one matrix-vector product for each centre, nothing copied, nothing kept."""
    norms = np.einsum("nd,nd->n", x, x)
    nearest = np.full(len(x), np.inf, np.float32)
    taken = [first]
    for _ in range(k - 1):
        np.minimum(nearest, norms + norms[taken[-1]] - 2 * (x @ x[taken[-1]]), out=nearest)
        nearest[taken[-1]] = -1
        taken.append(int(nearest.argmax()))
    return np.array(taken)


PEERS = {"deepcore": deepcore, "svp": svp, "gemv": gemv}


def gmm(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Draw 200 Gaussian clusters of unequal size."""
    centres = rng.standard_normal((200, d))
    which = rng.choice(200, n, p=rng.dirichlet(np.ones(200)))
    return (centres[which] + 0.35 * rng.standard_normal((n, d))).astype(np.float32)


def digits(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Blend scikit-learn's digits within a class, shift them, and send them through a random network."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.argsort(labels, kind="stable")
    images, labels = images[order] / 16, labels[order]
    one = rng.integers(0, len(images), n)
    start, stop = np.searchsorted(labels, labels[one]), np.searchsorted(labels, labels[one], side="right")
    blend = rng.uniform(0, 1, (n, 1))
    mixed = blend * images[one] + (1 - blend) * images[rng.integers(start, stop)]
    shift = rng.uniform(0, 1, (n, 1))
    mixed = (1 - shift) * mixed + shift * np.roll(mixed.reshape(n, 8, 8), 1, axis=2).reshape(n, 64)
    hidden = np.maximum(mixed @ rng.standard_normal((64, 256)) / 8, 0)
    return np.maximum(hidden @ rng.standard_normal((256, d)) / 16, 0).astype(np.float32)


DATA = {"gmm": gmm, "digits": digits}


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def measure(name: str, run: Callable[..., np.ndarray], x: np.ndarray, picks: int, first: int) -> Result:
    """Run once, and watch clock, CPU and memory."""
    before, peak, done = _resident(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    wall, cpu = time.perf_counter(), time.process_time()
    rows = run(x, picks, first)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    done.set()
    watcher.join()
    return Result(name, wall, cpu, max(peak[0] - before, 0) / 1e6, picks, rows)


def median(results: list[Result], k: int) -> Result:
    """Return the run of median wall time, scaled to k picks."""
    middle_one = sorted(results, key=lambda r: r.wall)[len(results) // 2]
    scale = k / middle_one.picks
    middle_one.wall, middle_one.cpu = middle_one.wall * scale, middle_one.cpu * scale
    middle_one.extra_mb = max(r.extra_mb for r in results)
    return middle_one


def radius(x: np.ndarray, rows: np.ndarray) -> float:
    """Return the largest distance of a sample to the nearest of `rows`, in float64 where it matters."""
    c = torch.from_numpy(x[rows])
    worst = 0.0
    for start in range(0, len(x), 4096):
        block = torch.from_numpy(x[start : start + 4096])
        near = torch.cdist(block, c, compute_mode="use_mm_for_euclid_dist").argmin(1)
        worst = max(worst, float((block.double() - c[near].double()).norm(dim=1).max()))
    return worst


def sgemm_rate() -> float:
    """Return the floating-point operations a second of a large float32 product, the best of five."""
    a = np.random.default_rng(0).standard_normal((2048, 2048)).astype(np.float32)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * 2048**3 / (time.perf_counter() - start))
    return best


def compare(options: argparse.Namespace, x: np.ndarray, k: int) -> list[Result]:
    """Run ours and the peers in turns."""
    first = int(np.argmin(middle(EmbeddingSpace(x))[1]))
    peers = [name for name in options.peers.split(",") if name]
    runs: dict[str, list[Result]] = {name: [] for name in ["prune", *peers]}
    for round_ in range(options.rounds):
        runs["prune"].append(measure("prune", ours, x, k, first))
        for name in peers:
            whole = name == "gemv" and not options.cap_gemv
            if whole and round_:
                continue  # minutes of work, and nothing to scale up
            runs[name].append(measure(name, PEERS[name], x, k if whole else min(k, options.picks), first))
    table = [median(results, k) for results in runs.values()]
    mine = table[0]
    for result in table:
        result.ratio, result.cpu_ratio = result.wall / mine.wall, result.cpu / mine.cpu
        result.same = len(np.intersect1d(result.rows, mine.rows[: result.picks])) / result.picks
        other = np.flatnonzero(result.rows != mine.rows[: result.picks])
        result.first_other = int(other[0]) if len(other) else None
        if result.picks == k:
            result.radius = radius(x, result.rows)
    return table


def growth(options: argparse.Namespace) -> list[dict[str, float]]:
    """Time ours at other sizes, beside the numpy loop where that takes seconds."""
    lines = []
    for n in (int(word) for word in options.growth.split(",") if word):
        x = DATA[options.data](n, options.d, np.random.default_rng(1))
        k = max(1, round(options.fraction * n))
        first = int(np.argmin(middle(EmbeddingSpace(x))[1]))
        mine, loop = [], []
        for _ in range(3):
            mine.append(measure("prune", ours, x, k, first))
            loop.append(measure("gemv", gemv, x, min(k, 500), first))
        wall, cpu = (statistics.median(getattr(r, key) for r in mine) for key in ("wall", "cpu"))
        scale = k / min(k, 500)
        lines.append(
            {
                "n": n,
                "wall": wall,
                "cpu": cpu,
                "gemv_ratio": statistics.median(r.wall for r in loop) * scale / wall,
                "gemv_cpu_ratio": statistics.median(r.cpu for r in loop) * scale / cpu,
            }
        )
    return lines


def show(table: list[Result], lines: list[dict[str, float]], facts: dict[str, Any]) -> None:
    """Print the tables."""
    print(f"{facts['data']}: n={facts['n']} d={facts['d']} k={facts['k']}, data {facts['data_mb']:.0f} MB")
    print(f"{'':10}{'wall s':>9}{'CPU s':>9}{'ratio':>8}{'CPU x':>8}{'MB':>7}{'radius':>12}  rows as ours")
    for r in table:
        star = "*" if r.picks < facts["k"] else " "
        far = f"{r.radius:.6f}" if r.radius is not None else "-"
        same = f"{r.same:.4%} of {r.picks}" + ("" if r.first_other is None else f", order to {r.first_other}")
        numbers = f"{r.wall:9.2f}{r.cpu:9.2f}{r.ratio:8.1f}{r.cpu_ratio:8.1f}{r.extra_mb:7.0f}{far:>12}"
        print(f"{r.name:9}{star}{numbers}  {same}")
    print(f"* {facts['picks']} picks, scaled up; a whole run would also fill a (k, n) matrix of", end=" ")
    print(f"{facts['matrix_mb']:.0f} MB")
    print(f"SGEMM {facts['gflops']:.0f} GF/s: all {facts['k']} x {facts['n']} products take", end=" ")
    print(f"{facts['limit_s']:.2f} s; prune takes {table[0].wall / facts['limit_s']:.2f} times that")
    for line in lines:
        print(f"n={line['n']:<7.0f} {line['wall']:8.3f} s {line['cpu']:8.3f} CPU s", end="   ")
        print(f"numpy loop {line['gemv_ratio']:6.1f} x, CPU {line['gemv_cpu_ratio']:6.1f} x")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=50_000)
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--data", choices=sorted(DATA), default="gmm")
    parser.add_argument("--peers", default="deepcore,svp,gemv")
    parser.add_argument("--picks", type=int, default=100, help="centres after which a slow peer is stopped")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cap-gemv", action="store_true", help="stop the numpy loop too")
    parser.add_argument("--growth", default="5000,20000", help="further sizes")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    x = DATA[options.data](options.n, options.d, np.random.default_rng(0))
    k = max(1, round(options.fraction * options.n))
    ours(x[:2000], 200, 0)  # compile
    rate = sgemm_rate()
    table = compare(options, x, k)
    rate = max(rate, sgemm_rate())
    facts = {
        "data": options.data,
        "n": options.n,
        "d": options.d,
        "k": k,
        "picks": options.picks,
        "data_mb": x.nbytes / 1e6,
        "matrix_mb": k * options.n * 4 / 1e6,
        "gflops": rate / 1e9,
        "limit_s": 2.0 * options.n * k * options.d / rate,
    }
    lines = growth(options)
    show(table, lines, facts)
    if options.json:
        rows = [{name: value for name, value in asdict(r).items() if name != "rows"} for r in table]
        options.json.write_text(json.dumps({"facts": facts, "table": rows, "growth": lines}, indent=1) + "\n")


if __name__ == "__main__":
    main()
