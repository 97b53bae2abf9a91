"""Who is near to whom: the graph, clusters, and the methods that live on them."""

from __future__ import annotations

import numpy as np
from measure import Case, Program, installed
from reference import graphs

import prune
from kernels.data import clustered, directions

NEIGHBOURS = 64
ITERATIONS = 20
EPS = 0.01


def neighbours(n: int, d: int) -> Case:
    """The 64 nearest of every sample."""
    from prune.index.neighbours import nearest
    from prune.index.space import EmbeddingSpace

    x = clustered(n, d)
    faiss, sklearn = installed("faiss"), installed("sklearn.neighbors")
    some = np.random.default_rng(0).choice(n, min(n, 200), replace=False)
    squares = np.einsum("nd,nd->n", x, x, dtype=np.float64)
    away = squares - 2 * x[some].astype(np.float64) @ x.T.astype(np.float64)
    away[np.arange(len(some)), some] = np.inf
    true = np.argpartition(away, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]

    def by_faiss() -> np.ndarray:
        index = faiss.IndexFlatL2(d)
        index.add(x)
        return index.search(x, NEIGHBOURS + 1)[1]

    def by_sklearn() -> np.ndarray:
        return sklearn.NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(x).kneighbors()[1]

    def recall(found: np.ndarray) -> float:
        pairs = zip(found[some], true, strict=True)
        return float(np.mean([np.isin(right, row).mean() for row, right in pairs]))

    return Case(
        f"n={n} d={d}",
        {
            "prune": Program(lambda: nearest(EmbeddingSpace(x), NEIGHBOURS).rows),
            "faiss Flat": Program(by_faiss) if faiss else None,
            "sklearn brute": Program(by_sklearn),
        },
        recall,
        f"recall of {NEIGHBOURS}, high",
        operations=1.0 * n * n * d,  # each pair once
        rows=False,
    )


def clusters(n: int, d: int) -> Case:
    """k-means into n / 100 clusters, 20 iterations."""
    from prune.index.clusters import clusters as ours
    from prune.index.space import EmbeddingSpace

    x, m = clustered(n, d), max(n // 100, 2)
    faiss, sklearn = installed("faiss"), installed("sklearn.cluster")

    def by_faiss() -> np.ndarray:
        found = faiss.Kmeans(d, m, niter=ITERATIONS, seed=1, max_points_per_centroid=n)
        found.train(x)
        return found.index.search(x, 1)[1][:, 0]

    def by_sklearn() -> np.ndarray:
        found = sklearn.KMeans(m, init="random", n_init=1, max_iter=ITERATIONS, tol=0, random_state=0).fit(x)
        return found.labels_

    def inertia(owner: np.ndarray) -> float:
        sums = np.zeros((owner.max() + 1, d))
        np.add.at(sums, owner, x)
        sizes = np.maximum(np.bincount(owner), 1)
        return float(((x - (sums / sizes[:, None])[owner]) ** 2).sum() / n)

    return Case(
        f"n={n} d={d} clusters={m}",
        {
            "prune": Program(lambda: ours(EmbeddingSpace(x), m, seed=0, iterations=ITERATIONS).owner),
            "faiss": Program(by_faiss) if faiss else None,
            "sklearn": Program(by_sklearn),
        },
        inertia,
        "mean squared distance to the centroid, low",
        operations=2.0 * n * m * d * ITERATIONS,
        rows=False,
    )


def semdedup(n: int, d: int) -> Case:
    """Near duplicates of one sample in ten, planted; what stays."""
    rng = np.random.default_rng(0)
    x, copies = clustered(n, d), n // 10
    x[-copies:] = x[:copies] + 0.01 * rng.standard_normal((copies, d)).astype(np.float32)
    unit, faiss, m = directions(x), installed("faiss"), max(n // 1000, 1)

    def published() -> np.ndarray:
        found = faiss.Kmeans(d, m, niter=ITERATIONS, seed=1, spherical=True, max_points_per_centroid=n)
        found.train(unit)
        owner = found.index.search(unit, 1)[1][:, 0]
        return graphs.semdedup(unit, owner, found.centroids, EPS)

    def left(rows: np.ndarray) -> float:
        kept = np.isin(np.arange(n), rows)
        return float((kept[:copies] & kept[-copies:]).mean())

    asked = {"method": "semdedup", "eps": EPS, "clusters": m}
    return Case(
        f"n={n} d={d} clusters={m}, {copies} pairs planted",
        {
            "prune": Program(lambda: prune.select_rows(x, **asked).rows),
            "SemDeDup loop, faiss k-means": Program(published) if faiss else None,
        },
        left,
        "share of planted pairs left, low",
        operations=2.0 * n * m * d * ITERATIONS + 1.0 * n * n / m * d,
    )


def d2(n: int, d: int) -> Case:
    """Messages along a graph of 5 neighbours, 30 %."""
    x, k = clustered(n, d), 3 * n // 10
    scores = np.random.default_rng(1).gamma(2.0, 1.0, n).astype(np.float32)
    return Case(
        f"n={n} d={d} k={k}",
        {
            "prune": Program(
                lambda: prune.select_rows(x, scores=scores, method="d2", k=k, neighbours=5).rows
            ),
            "D2 loop": Program(lambda: graphs.d2(x, scores, k, 5)),
        },
        operations=1.0 * n * n * d,
    )


def zcore(n: int, d: int) -> Case:
    """Random draws in random pairs of dimensions, 30 %."""
    x, k = clustered(n, d), 3 * n // 10
    draws, some = 20 * n, 500
    near = min(1000, n - 1)
    rng = np.random.default_rng(0)
    return Case(
        f"n={n} d={d} k={k} draws={draws}",
        {
            "prune": Program(lambda: prune.select_rows(x, method="zcore", k=k, draws=draws).rows),
            "ZCore loop": Program(lambda: graphs.zcore(x, k, some, near, rng), some / draws),
        },
    )
