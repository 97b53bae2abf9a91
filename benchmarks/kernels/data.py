"""Made data: clusters of unequal size, and gradients of a last layer over them as factors."""

from __future__ import annotations

import kcenter
import numpy as np


def clustered(n: int, d: int) -> np.ndarray:
    """(n, d) 200 Gaussian clusters of unequal size, always the same."""
    return kcenter.gmm(n, d, np.random.default_rng(0))


def directions(x: np.ndarray) -> np.ndarray:
    """Rows of norm 1."""
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def similarities(x: np.ndarray) -> np.ndarray:
    """(n, n) float32 (1 + cos) / 2."""
    unit = directions(x)
    alike = unit @ unit.T
    alike += 1
    alike /= 2
    return alike


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows that sum to 1."""
    out = np.exp(logits - logits.max(1, keepdims=True))
    return out / out.sum(1, keepdims=True)


def factors(n: int, d: int, c: int, *, one_class: bool) -> tuple[np.ndarray, ...]:
    """Errors (n, c), features (n, d), labels and logits of a layer that is right about four times in five."""
    rng = np.random.default_rng(0)
    labels = np.zeros(n, np.int64) if one_class else rng.integers(0, c, n)
    features = np.maximum(clustered(n, d), 0)
    logits = features @ rng.standard_normal((d, c)).astype(np.float32) / np.float32(d**0.5)
    logits[np.arange(n), labels] += 2.5
    errors = softmax(logits)
    errors[np.arange(n), labels] -= 1
    return errors, features, labels, logits
