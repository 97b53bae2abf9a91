"""Matching a sum as DeepCore and CORDS do it: explicit gradients, every step from the beginning."""

from __future__ import annotations

import numpy as np

from reference.submodular import FacilityLocation, lazy


def gradients(errors: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(n, c·(d + 1)) gradients of the last layer, bias first: what the factors spare."""
    products = errors[:, :, None] * features[:, None, :]
    return np.concatenate([errors, products.reshape(len(errors), -1)], axis=1)


def herding(x: np.ndarray, k: int) -> np.ndarray:
    """Each step the sample that brings the mean nearest; all free rows are copied for it (Welling 2009)."""
    mean = x.mean(0, dtype=np.float64).astype(np.float32)
    free = np.ones(len(x), bool)
    total = np.zeros_like(mean)
    taken = []
    for step in range(k):
        rest = np.flatnonzero(free)
        away = np.linalg.norm((step + 1) * mean - total - x[rest], axis=1)
        best = int(rest[away.argmin()])
        taken.append(best)
        free[best] = False
        total += x[best]
    return np.array(taken)


def herding_gemv(x: np.ndarray, k: int) -> np.ndarray:
    """The same by one matrix-vector product a step, nothing copied: ‖x‖² − 2⟨v, x⟩ orders as ‖v − x‖."""
    mean = x.mean(0, dtype=np.float64).astype(np.float32)
    norms = np.einsum("nd,nd->n", x, x)
    total = np.zeros_like(mean)
    taken = []
    for step in range(k):
        away = norms - 2 * (x @ ((step + 1) * mean - total))
        away[taken] = np.inf
        taken.append(int(away.argmin()))
        total += x[taken[-1]]
    return np.array(taken)


def omp(atoms: np.ndarray, target: np.ndarray, k: int, ridge: float) -> np.ndarray:
    """Orthogonal matching pursuit with a least-squares solver; the Gram matrix is rebuilt at every step.

    `atoms` is (D, n). The free atom with the largest inner product, signs counted, is taken; the residual is
    that of ``(AᵀA + ridge·I) w = Aᵀ target``.
    """
    residual = target.copy()
    free = np.ones(atoms.shape[1], bool)
    taken: list[int] = []
    for _ in range(k):
        products = np.where(free, atoms.T @ residual, -np.inf)
        taken.append(int(products.argmax()))
        free[taken[-1]] = False
        chosen = atoms[:, taken]
        gram = chosen.T @ chosen + ridge * np.eye(len(taken), dtype=atoms.dtype)
        weights = np.linalg.lstsq(gram, chosen.T @ target, rcond=None)[0]
        residual = target - chosen @ weights
    return np.array(taken)


def positive_omp(atoms: np.ndarray, target: np.ndarray, k: int, ridge: float) -> np.ndarray:
    """Orthogonal matching pursuit with weights ≥ 0: atoms of negative weight leave, the most negative first.

    Stops when the best atom is in already; so fewer than k may come back.
    """
    residual = target.copy()
    taken: list[int] = []
    while len(taken) < k:
        best = int((atoms.T @ residual).argmax())
        if best in taken:
            break
        taken.append(best)
        while True:
            chosen = atoms[:, taken]
            gram = chosen.T @ chosen + ridge * np.eye(len(taken), dtype=atoms.dtype)
            weights = np.linalg.solve(gram, chosen.T @ target)
            if weights.min() >= 0:
                break
            del taken[int(weights.argmin())]
        residual = target - chosen @ weights
    return np.array(taken)


def craig(gradients: np.ndarray, k: int) -> np.ndarray:
    """Facility location on ``max distance − distance`` of explicit gradients (Mirzasoleiman et al. 2020)."""
    away = distances(gradients)
    return lazy(FacilityLocation(away.max() - away), k)


def distances(x: np.ndarray) -> np.ndarray:
    """(n, n) Euclidean."""
    squares = np.einsum("nd,nd->n", x, x)
    away = np.sqrt(np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0))
    np.fill_diagonal(away, 0)
    return away


def glister(errors: np.ndarray, features: np.ndarray, labels: np.ndarray, k: int, eta: float) -> np.ndarray:
    """Greedy on the loss of all samples after one step of the last layer (Killamsetty et al. 2021).

    After each pick the logits of the validation set (here: the samples themselves) are those after a step of
    length eta along the mean of the chosen gradients; its mean gradient is made anew from explicit gradients,
    and so are the inner products of all samples with it.
    """
    every = gradients(errors, features)
    inputs = np.concatenate([np.ones((len(features), 1), np.float32), features], axis=1)
    one_hot = np.eye(errors.shape[1], dtype=np.float32)[labels]
    logits = np.log(errors + one_hot)
    step, free, taken = np.zeros_like(logits), np.ones(len(errors), bool), []
    for count in range(k):
        moved = logits - eta * step / max(count, 1)
        probs = np.exp(moved - moved.max(1, keepdims=True))
        probs /= probs.sum(1, keepdims=True)
        towards = gradients(probs - one_hot, features).mean(0)
        best = int(np.where(free, every @ towards, -np.inf).argmax())
        taken.append(best)
        free[best] = False
        step += (inputs @ inputs[best])[:, None] * errors[best]
    return np.array(taken)
