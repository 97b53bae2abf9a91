"""Methods on last-layer gradients: prune has the factors, its peers gradients formed before the clock."""

from __future__ import annotations

import numpy as np
from measure import Case, Program, installed
from reference import matching

import prune
from kernels.data import factors
from kernels.submodular import maximised

CLASSES = 10
RIDGE = 1.0  # the absolute ridge of the published programs


def gradmatch(n: int, d: int) -> Case:
    """Orthogonal matching pursuit of the sum, within one class, 10 %."""
    errors, features, _, _ = factors(n, d, CLASSES, one_class=True)
    k = n // 10
    explicit = matching.gradients(errors, features)
    atoms, target = np.ascontiguousarray(explicit.T), explicit.sum(0, dtype=np.float64).astype(np.float32)
    norm = float(np.einsum("nd,nd->", explicit, explicit, dtype=np.float64)) / n
    sklearn, scipy = installed("sklearn.linear_model"), installed("scipy.optimize")

    def ours() -> np.ndarray:
        asked = {"method": "gradmatch", "k": k, "lam": RIDGE / norm, "tolerance": 0.0}
        return prune.select_rows(errors=errors, features=features, **asked).rows

    def residual(rows: np.ndarray) -> float:
        left = scipy.nnls(atoms[:, rows].astype(np.float64), target.astype(np.float64))[1]
        return float(left / np.linalg.norm(target.astype(np.float64)))

    def by_sklearn() -> np.ndarray:
        weights = sklearn.orthogonal_mp(atoms, target, n_nonzero_coefs=k)
        return np.flatnonzero(weights)

    return Case(
        f"n={n} c·(d+1)={atoms.shape[0]} k={k}",
        {
            "prune": Program(ours),
            "DeepCore loop": Program(lambda: matching.omp(atoms, target, k, RIDGE)),
            "CORDS loop": Program(lambda: matching.positive_omp(atoms, target, k, RIDGE)),
            "sklearn OMP (signed, sorted)": Program(by_sklearn),
        },
        residual,
        "‖b − Σ w g‖ / ‖b‖ at the best w ≥ 0, low",
        operations=1.0 * n * n * (CLASSES + d) + 2.0 * n * k * k,
    )


def craig(n: int, d: int) -> Case:
    """Facility location by distance of gradients, within one class, 10 %."""
    errors, features, _, _ = factors(n, d, CLASSES, one_class=True)
    k = n // 10
    explicit = matching.gradients(errors, features)
    submodlib = installed("submodlib")

    def ours() -> np.ndarray:
        return prune.select_rows(errors=errors, features=features, method="craig", k=k).rows

    def by_submodlib() -> np.ndarray:
        away = matching.distances(explicit)
        function = submodlib.FacilityLocationFunction(
            n=n, mode="dense", sijs=1 - away / away.max(), separate_rep=False
        )
        return maximised(function, k)

    return Case(
        f"n={n} c·(d+1)={explicit.shape[1]} k={k}",
        {
            "prune": Program(ours),
            "submodlib lazy": Program(by_submodlib) if submodlib else None,
            "DeepCore loop": Program(lambda: matching.craig(explicit, k)),
        },
        lambda rows: float(matching.distances(explicit)[:, rows].min(1).mean(dtype=np.float64)),
        "mean distance to the nearest, low",
        operations=1.0 * n * n * (CLASSES + d),
        traffic=7 * 4.0 * n * n,
    )


def glister(n: int, d: int) -> Case:
    """Greedy on the loss after a step, all classes, 10 %."""
    errors, features, labels, _ = factors(n, d, CLASSES, one_class=False)
    k = n // 10
    lengths = 1 + np.einsum("nd,nd->n", features, features, dtype=np.float64)
    eta = 1 / float(lengths.mean())

    def ours() -> np.ndarray:
        return prune.select_rows(errors=errors, features=features, method="glister", k=k, eta=eta).rows

    def loss(rows: np.ndarray) -> float:
        one_hot = np.eye(CLASSES)[labels]
        step = (1 + features @ features[rows].T.astype(np.float64)) @ errors[rows] / len(rows)
        moved = np.log(errors + one_hot) - eta * step
        moved -= moved.max(1, keepdims=True)
        return float((np.log(np.exp(moved).sum(1)) - moved[np.arange(n), labels]).mean())

    return Case(
        f"n={n} c·(d+1)={CLASSES * (d + 1)} k={k}",
        {
            "prune": Program(ours),
            "CORDS loop": Program(lambda: matching.glister(errors, features, labels, k, eta)),
        },
        loss,
        "loss after one step, low",
        operations=2.0 * n * CLASSES * d * k,
    )
