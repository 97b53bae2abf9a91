"""D2, ZCore, SemDeDup and contextual diversity as published: dense matrices, full sorts."""

from __future__ import annotations

import numpy as np


def d2(x: np.ndarray, scores: np.ndarray, k: int, neighbours: int) -> np.ndarray:
    """Message passing over a dense (n, n) matrix of messages, then an argmax of all a pick (ICLR 2024).

    As in prune: joined in both directions, distances in units of their mean, scores mapped to [0, 1].
    """
    n = len(x)
    squares = np.einsum("nd,nd->n", x, x)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0))
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    at = np.arange(n)[:, None]
    joined = np.zeros((n, n), bool)
    joined[at, near] = True
    joined |= joined.T
    messages = np.where(joined, np.exp(-distances / distances[at, near].mean()), 0)
    worth = (scores - scores.min()).astype(np.float64) / (scores.max() - scores.min())
    value = worth + messages @ worth
    taken = []
    for _ in range(k):
        best = int(value.argmax())
        taken.append(best)
        value -= messages[best] * max(value[best], 0)
        value[best] = -np.inf
    return np.array(taken)


def zcore(x: np.ndarray, k: int, draws: int, near: int, rng: np.random.Generator) -> np.ndarray:
    """A reward to the nearest of a random point in two random dimensions, a penalty to those near it.

    Every draw sorts all samples twice.
    """
    low, middle, high = x.min(0), np.median(x, axis=0), x.max(0)
    scores = rng.uniform(0, 1, len(x))
    for _ in range(draws):
        dims = rng.choice(x.shape[1], 2, replace=False)
        part = x[:, dims]
        point = rng.triangular(low[dims], middle[dims], high[dims])
        best = int(np.abs(part - point).sum(1).argmin())
        scores[best] += 1
        away = np.abs(part - part[best]).sum(1)
        close = np.argsort(away)[1 : near + 1]
        if away[close[0]] == 0:
            scores[close[0]] -= 1
        else:
            penalty = away[close].astype(np.float64) ** -4
            scores[close] -= penalty / penalty.sum()
    return np.argsort(-scores, kind="stable")[:k]


def semdedup(x: np.ndarray, owner: np.ndarray, centroids: np.ndarray, epsilon: float) -> np.ndarray:
    """Drop a sample whose cosine to one before it in its cluster is above 1 − ε; the farthest first.

    `x` has rows of norm 1. One dense matrix of similarities a cluster, however large. Returns what stays.
    """
    kept = []
    for cluster in range(len(centroids)):
        rows = np.flatnonzero(owner == cluster)
        rows = rows[np.argsort(x[rows] @ centroids[cluster], kind="stable")]
        alike = np.triu(x[rows] @ x[rows].T, 1)
        kept.append(rows[alike.max(0, initial=0) <= 1 - epsilon])
    return np.concatenate(kept)


def contextual_diversity(probs: np.ndarray, k: int, first: int) -> np.ndarray:
    """Farthest first under half the symmetric KL, with a (k, n) matrix (ECCV 2020, DeepCore)."""
    logs = np.log(probs)
    every = np.empty((k, len(probs)), np.float32)
    nearest = np.full(len(probs), np.inf, np.float32)
    taken = [first]
    for step in range(k - 1):
        centre = probs[taken[-1]]
        every[step] = ((centre - probs) * (np.log(centre) - logs)).sum(1) / 2
        np.minimum(nearest, every[step], out=nearest)
        nearest[taken[-1]] = -1
        taken.append(int(nearest.argmax()))
    return np.array(taken)
