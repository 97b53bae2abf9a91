"""GIO: matching a target set by an estimate of the KL divergence."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from measure import Case, Program, installed
from reference.gio import NEIGHBOUR
from reference.gio import gio as descent

import prune

PICKS = 2  # of the published search, which makes 50 gradient steps a pick and 150 for the first
K = 100
START = 20


def gio(n: int, d: int) -> Case:
    """The exact form, 100 picks, n target samples and as many candidates."""
    rng = np.random.default_rng(0)
    target = rng.standard_normal((n, d)).astype(np.float32)
    pool = (1.2 * rng.standard_normal((n, d)) + 0.1).astype(np.float32)
    start = rng.uniform(-1, 1, (START, d)).astype(np.float32)
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    k, package = min(K, n // 2), installed("GIO")
    share = (PICKS + 2) / (k + 2)
    radii = float(np.log(np.sort(_distances(target, target), axis=1)[:, NEIGHBOUR]).mean())

    def kl(rows: np.ndarray) -> float:
        m = len(rows)
        sizes = np.log(NEIGHBOUR * m / (np.arange(1, m + 1) * (n - 1))).mean()
        return d * (float(np.log(_distances(target, pool[rows])).mean()) - radii) + float(sizes)

    def package_picks() -> np.ndarray:
        return _by_package(target, pool, start)

    return Case(
        f"n={n} target={n} d={d} k={k}",
        {
            "prune": Program(lambda: prune.select_rows(pool, method="gio", k=k, target=target).rows),
            "descent loop": Program(lambda: descent(target, pool, PICKS, start), share, compiles=False),
            "grad-info-opt": Program(package_picks, share, compiles=False) if package else None,
        },
        kl,
        "KL, low",
        operations=2.0 * n * n * d,
    )


def _by_package(target: np.ndarray, pool: np.ndarray, start: np.ndarray) -> np.ndarray:
    from GIO import GIOKL
    from jax import numpy as jnp

    search = GIOKL.GIOKL.__new__(GIOKL.GIOKL)  # its constructor does nothing but start Spark
    search.random_init = False
    with contextlib.redirect_stdout(io.StringIO()):
        chosen, *_ = search.fit(
            jnp.asarray(pool),
            jnp.asarray(target),
            D=jnp.asarray(start),
            max_iter=PICKS - 1,  # takes one more
            stop_criterion="sequential_increase_tolerance",  # never fires
            normalize=False,
        )
    picked = np.asarray(chosen, np.float32)[len(start) :]
    return _distances(picked, pool).argmin(1)


def _distances(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    a, b = one.astype(np.float64), two.astype(np.float64)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 1e-10))
