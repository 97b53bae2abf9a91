"""The pieces of the index beside faiss's, in turns in one process; CPU seconds of one thread.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/index.py
    python benchmarks/index.py --kinds by_lists --sizes 1000000x512x64 --rounds 1

Every row has the median of the rounds, and the median of the ratios, round by round, to the first program.
Tiles find neighbours of gradients, and the nearest of all pairs; `faiss, decided` is faiss's flat index with
float64 distances of its candidates; `faiss` is faiss as it comes. The result of neighbours is the share of
places with the right row (of lists: the recall), that of clusters the mean squared distance to the centre.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

import faiss
import numpy as np
from faiss_lists import FaissLists
from kernels.data import clustered

from prune.index.blocks import operands_of
from prune.index.clusters import clusters
from prune.index.exact import _each_on_host, all_pairs, each_to_all, in_order
from prune.index.neighbours import nearest
from prune.index.space import EmbeddingSpace

Programs = dict[str, Callable[[], np.ndarray]]
Case = tuple[str, Programs, Callable[[np.ndarray], float]]  # what, by whom, and how good


def to_others(n: int, m: int, d: int, count: int) -> Case:
    """The nearest of m others."""
    x = clustered(n + m, d)
    others = operands_of(EmbeddingSpace(x[n:].copy()))
    asks = others.framed_like(EmbeddingSpace(x[:n].copy()))
    programs: Programs = {
        "tiles": lambda: in_order(_each_on_host(asks, others, count, None))[0],
        "faiss, decided": lambda: in_order(each_to_all(asks, others, count))[0],
        "faiss": lambda: flat(x[n:], x[:n], count),
    }
    return f"{count} nearest of {m} others, n={n} d={d}", programs, same_as(programs["tiles"]())


def among_all(n: int, d: int, count: int) -> Case:
    """The nearest of all others of a set."""
    x = clustered(n, d)
    operands = operands_of(EmbeddingSpace(x))
    programs: Programs = {
        "tiles": lambda: in_order(all_pairs(operands, count))[0],
        "faiss, decided": lambda: in_order(each_to_all(operands, operands, count))[0],
        "faiss": lambda: flat(x, x, count + 1)[:, 1:],
    }
    return f"{count} nearest of all, n={n} d={d}", programs, same_as(programs["tiles"]())


def by_lists(n: int, d: int, count: int) -> Case:
    """Inverted lists."""
    x = clustered(n, d)
    lists, some = round(3 * n**0.5), np.arange(0, n, max(n // 512, 1))
    true = flat(x, x[some], count + 1)[:, 1:]

    def by_faiss(probes: int) -> np.ndarray:
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists)
        index.cp.niter, index.cp.max_points_per_centroid = 5, 48
        index.train(x)
        index.add(x)
        index.nprobe = probes
        return index.search(x, count + 1)[1][:, 1:]

    def recall(rows: np.ndarray) -> float:
        pairs = zip(rows[some], true, strict=True)
        return float(np.mean([np.isin(right, row).mean() for row, right in pairs]))

    programs: Programs = {"prune": lambda: nearest(EmbeddingSpace(x), count, kind="ivf").rows}
    programs["faiss, decided"] = lambda: FaissLists(EmbeddingSpace(x), count).rows()
    programs |= {f"faiss, {probes} lists": lambda probes=probes: by_faiss(probes) for probes in (16,)}
    return f"{count} nearest by {lists} lists, n={n} d={d}", programs, recall


def into_clusters(n: int, d: int, count: int) -> Case:
    """k-means, at most 20 iterations on at most 256 samples a centroid."""
    x = clustered(n, d)

    def by_faiss(start: int) -> np.ndarray:
        found = faiss.Kmeans(d, count, niter=20, seed=1)
        found.cp.init_method = start
        found.train(x)
        return flat(found.centroids, x, 1)[:, 0]

    def inertia(owner: np.ndarray) -> float:
        sums = np.zeros((count, d))
        np.add.at(sums, owner, x)
        means = sums / np.maximum(np.bincount(owner, minlength=count), 1)[:, None]
        return float(((x - means[owner]) ** 2).sum() / n)

    programs: Programs = {
        "prune": lambda: clusters(EmbeddingSpace(x), count, seed=0).owner,
        "faiss": lambda: by_faiss(faiss.ClusteringInitMethod_RANDOM),
        "faiss, its k-means++": lambda: by_faiss(faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS),
    }
    return f"{count} clusters, n={n} d={d}", programs, inertia


def flat(rows: np.ndarray, asks: np.ndarray, count: int) -> np.ndarray:
    """faiss's flat index as it comes."""
    index = faiss.IndexFlatL2(rows.shape[1])
    index.add(np.ascontiguousarray(rows))
    return index.search(np.ascontiguousarray(asks), count)[1]


def same_as(rows: np.ndarray) -> Callable[[np.ndarray], float]:
    """How many places hold the row that they should."""
    return lambda found: float((found == rows).mean())


CASES = (
    (
        to_others,
        ((20_000, 200, 128, 1), (10_000, 1000, 512, 1), (10_000, 5000, 128, 10), (10_000, 1000, 64, 64)),
    ),
    (into_clusters, ((20_000, 128, 200), (20_000, 512, 200))),
    (among_all, ((10_000, 64, 64), (10_000, 128, 10), (10_000, 512, 10), (10_000, 512, 64))),
    (
        by_lists,
        ((50_000, 128, 10), (130_000, 128, 10), (180_000, 64, 64), (30_000, 512, 64), (70_000, 512, 64)),
    ),
)


def cases(kinds: list[str], sizes: list[tuple[int, ...]]) -> Iterator[Case]:
    """What is compared, of the kinds that are asked for, at their own sizes or at others."""
    for kind, its in CASES:
        if kind.__name__ in kinds:
            yield from (kind(*size) for size in sizes or its)


def main() -> None:
    """Run all programs of every case in turns, forwards and backwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    names = ",".join(kind.__name__ for kind, _ in CASES)
    parser.add_argument("--kinds", default=names, help="default: %(default)s")
    parser.add_argument("--sizes", default="", help="instead of their own, as 30000x512x64/60000x512x64")
    options = parser.parse_args()
    rounds: int = options.rounds
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes.split("/") if size]
    faiss.omp_set_num_threads(1)
    print("| case | program | CPU s | CPU × | result |\n| --- | --- | --- | --- | --- |")
    for what, programs, result in cases(options.kinds.split(","), sizes):
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        found: dict[str, Any] = {}
        for turn in range(rounds):
            for name in list(programs)[:: -1 if turn % 2 else 1]:
                begun = time.process_time()
                found[name] = programs[name]()
                seconds[name].append(time.process_time() - begun)
        first = np.array(next(iter(seconds.values())))
        for name, taken in seconds.items():
            ratio = np.median(np.array(taken) / first)
            print(
                f"| {what} | {name} | {np.median(taken):.3g} | {ratio:.2f} | {result(found[name]):.6g} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
