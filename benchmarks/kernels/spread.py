"""Methods that reach each sample by its distance to few points: k-center, herding, contextual diversity."""

from __future__ import annotations

import kcenter as loops
import numpy as np
from measure import Case, Program
from reference import graphs, matching

import prune
from kernels.data import clustered, softmax

PICKS = 100  # after which loops of more than seconds are stopped
SMOOTHING = 1e-6


def kcenter(n: int, d: int) -> Case:
    """Farthest first, 10 %."""
    x, k = clustered(n, d), n // 10
    picks = min(k, PICKS)
    first = int(prune.select_rows(x, method="kcenter", k=1).rows[0])
    return Case(
        f"n={n} d={d} k={k}",
        {
            "prune": Program(lambda: prune.select_rows(x, method="kcenter", k=k).rows),
            "DeepCore loop": Program(lambda: loops.deepcore(x, picks, first), picks / k),
            "SVP loop": Program(lambda: loops.svp(x, picks, first), picks / k),
            "numpy loop": Program(lambda: loops.gemv(x, k, first)),
        },
        lambda rows: loops.radius(x, rows),
        "covering radius, low",
        operations=2.0 * n * k * d,
    )


def herding(n: int, d: int) -> Case:
    """The mean of the chosen near the mean of all, 10 %."""
    x, k = clustered(n, d), n // 10
    picks = min(k, PICKS)
    mean = x.mean(0, dtype=np.float64)
    return Case(
        f"n={n} d={d} k={k}",
        {
            "prune": Program(lambda: prune.select_rows(x, method="herding", k=k).rows),
            "DeepCore loop": Program(lambda: matching.herding(x, picks), picks / k),
            "numpy loop": Program(lambda: matching.herding_gemv(x, k)),
        },
        lambda rows: float(np.linalg.norm(x[rows].mean(0, dtype=np.float64) - mean)),
        "‖mean(S) − μ‖, low",
        traffic=4.0 * n * k * d,
    )


def contextual_diversity(n: int, d: int) -> Case:
    """Farthest first on predictions over d classes, 5 %."""
    probs = softmax(3 * np.random.default_rng(0).standard_normal((n, d)).astype(np.float32))
    smooth = (probs + SMOOTHING) / (1 + SMOOTHING * d)
    k = n // 20

    def ours(k: int) -> np.ndarray:
        asked = {"method": "contextual_diversity", "smoothing": SMOOTHING}
        return prune.select_rows(probs=probs, k=k, **asked).rows

    def radius(rows: np.ndarray) -> float:
        logs = np.log(smooth.astype(np.float64))
        nearest = np.full(n, np.inf)
        for row in rows:
            np.minimum(nearest, ((smooth[row] - smooth) * (logs[row] - logs)).sum(1) / 2, out=nearest)
        return float(nearest.max())

    first = int(ours(1)[0])
    return Case(
        f"n={n} c={d} k={k}",
        {
            "prune": Program(lambda: ours(k)),
            "DeepCore loop": Program(lambda: graphs.contextual_diversity(smooth, k, first)),
        },
        radius,
        "covering divergence, low",
        operations=4.0 * n * k * d,
    )
