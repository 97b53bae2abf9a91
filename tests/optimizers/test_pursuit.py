"""Matching pursuit against least squares from scratch, with and without the Gram matrix, and groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from prune.index.gradients import GradientSpace, errors_of
from prune.index.space import EmbeddingSpace
from prune.optimizers.pursuit import AllProducts, Direct, Pursued, pursue
from prune.optimizers.pursuit_atoms import Atoms
from prune.optimizers.pursuit_fill import fillers
from prune.optimizers.pursuit_fit import empty_fit, non_negative, refit
from prune.optimizers.pursuit_gram import exact_products, exact_sum


def _gradients(n: int, c: int = 5, d: int = 12, seed: int = 0) -> tuple[GradientSpace, np.ndarray]:
    """Gradients of a softmax layer, and the same as float64 vectors."""
    rng = np.random.default_rng(seed)
    features = np.maximum(rng.standard_normal((n, d)) + 0.3, 0).astype(np.float32)
    logits = 2 * features @ rng.standard_normal((d, c)) / np.sqrt(d)
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    space = GradientSpace(errors_of(probs.astype(np.float32), rng.integers(0, c, n)), features)
    errors, features = (part.astype(np.float64) for part in space.factors(slice(0, n)))
    return space, np.einsum("nc,nd->ncd", errors, np.c_[features, np.ones(n)]).reshape(n, -1)


def _slow(long: np.ndarray, goal: np.ndarray, k: int, ridge: float) -> tuple[list[int], np.ndarray]:
    """Fit from scratch at every step: NNLS of the atoms with √ridge·I below them."""
    chosen: list[int] = []
    weights = np.empty(0)
    for _ in range(k):
        correlations = long @ (goal - weights @ long[chosen])
        correlations[chosen] = -np.inf
        chosen.append(int(np.argmax(correlations)))
        t = len(chosen)
        tall = np.concatenate([long[chosen].T, np.sqrt(ridge) * np.eye(t)])
        weights, _ = nnls(tall, np.concatenate([goal, np.zeros(t)]))
    return chosen, weights


def _pursue(
    space: GradientSpace | EmbeddingSpace, k: int, lam: float, *, mode: str = "dense", batch: int = 1
) -> Pursued:
    atoms = Atoms(space, batch)
    source = Direct(atoms, None) if mode == "direct" else AllProducts(atoms, None, len(atoms))
    ridge = lam * float(source.squares.mean())
    return pursue(source, atoms.sizes(np.arange(len(atoms))), k, ridge, 0.0)


@pytest.mark.parametrize("lam", [1e-3, 0.01, 0.1])
@pytest.mark.parametrize("mode", ["dense", "direct"])
def test_takes_what_least_squares_from_scratch_takes(lam: float, mode: str) -> None:
    space, long = _gradients(200)
    ridge = lam * float((long**2).sum(1).mean())
    rows, weights = _slow(long, long.sum(0), 30, ridge)
    found = _pursue(space, 30, lam, mode=mode)
    assert found.atoms.tolist() == rows
    assert found.weights == pytest.approx(weights, abs=1e-3 * weights.max())
    left = long.sum(0) - found.weights @ long[found.atoms]
    assert found.error == pytest.approx(float(left @ left), rel=1e-3)


@pytest.mark.parametrize("lam", [0.0, 0.01, 1.0, 30.0])
def test_the_residual_never_rises_and_the_drops_add_up(lam: float) -> None:
    for seed in range(4):
        space, long = _gradients(150, c=4, d=6, seed=seed)
        found = _pursue(space, 120, lam)
        goal = long.sum(0)
        assert (found.drops >= 0).all()
        assert (found.weights >= 0).all()
        assert len(set(found.atoms.tolist())) == len(found.atoms)
        left = goal - found.weights @ long[found.atoms]
        assert 1 - found.drops.sum() == pytest.approx(left @ left / (goal @ goal), abs=1e-8)


def test_what_lies_in_the_span_of_the_chosen_is_left_alone() -> None:
    rows = np.repeat(np.array([[3, 0, 0], [0, 2, 0], [0, 0, 1]], np.float32), 10, axis=0)
    found = _pursue(EmbeddingSpace(rows), 30, 0.0)
    assert found.atoms.tolist() == [0, 10, 20]  # largest ⟨x, Σ x⟩ first
    assert found.weights == pytest.approx([10, 10, 10])
    assert found.stop in {"tolerance", "exhausted"}


def test_atoms_that_turn_negative_lose_their_weight_and_may_win_it_back() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        long = rng.standard_normal((25, 12)) + 0.4
        goal = rng.standard_normal(12)
        fit = empty_fit(25)
        fit.gram[:], fit.right[:] = long @ long.T, long @ goal
        for atoms in range(1, 26):
            refit(fit, atoms, 0.5, 0.0)
        tall = np.concatenate([long.T, np.sqrt(0.5) * np.eye(25)])
        wanted, _ = nnls(tall, np.concatenate([goal, np.zeros(25)]))
        assert fit.weights == pytest.approx(wanted, abs=1e-9)
        start = np.abs(rng.standard_normal(25)) + 0.1
        assert non_negative(fit.gram, fit.right, 0.5, start) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("tile", [64, 2048])
def test_groups_are_the_sums_of_their_samples(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prune.optimizers.pursuit_atoms.TILE", tile)
    space, long = _gradients(203)
    atoms = Atoms(space, 10)
    sums = np.add.reduceat(long, np.arange(0, 203, 10))
    assert atoms.gram() == pytest.approx(sums @ sums.T, abs=1e-9)
    assert atoms.squared_norms() == pytest.approx((sums**2).sum(1))
    assert atoms.products(20, np.array([3, 20, 0])) == pytest.approx(sums[[3, 20, 0]] @ sums[20])
    goal = space.sum()
    assert atoms.dot(goal) == pytest.approx(sums @ goal.ravel(), rel=1e-4)
    assert atoms.sum(np.array([20, 1]), np.array([2.0, 3.0])).ravel() == pytest.approx(
        2 * sums[20] + 3 * sums[1]
    )
    assert atoms.rows(np.array([20, 0])).tolist() == [200, 201, 202, *range(10)]


@pytest.mark.parametrize("batch", [7, 50])
def test_dense_and_direct_take_the_same_groups(batch: int) -> None:
    space, _ = _gradients(400)
    one, two = (_pursue(space, 100, 0.01, mode=mode, batch=batch) for mode in ("dense", "direct"))
    assert one.atoms.tolist() == two.atoms.tolist()
    assert one.weights == pytest.approx(two.weights, rel=1e-3)


def test_samples_fill_the_budget_in_the_order_of_their_product_with_the_sum() -> None:
    atoms = Atoms(EmbeddingSpace(np.array([[1], [3], [2], [3], [-1], [2]], np.float32)))
    source = AllProducts(atoms, None, 6)
    lots = np.array([0, 0, 9, 0, 0, 8], np.uint64)
    assert fillers(source, np.array([1]), np.ones(6, np.int64), 4, lots).tolist() == [3, 5, 2]


def test_products_and_sums_are_those_of_the_long_vectors() -> None:
    space, long = _gradients(60)
    rows, others = np.array([3, 50, 3]), np.arange(10, 20)
    assert exact_products(space, rows, others) == pytest.approx(long[rows] @ long[others].T, abs=1e-12)
    weights = np.array([1.0, -2.0, 0.5])
    assert exact_sum(space, rows, weights).ravel() == pytest.approx(weights @ long[rows], abs=1e-12)
    cosine = EmbeddingSpace(np.array([[3, 4], [0, 2]], np.float16), metric="cosine")
    assert exact_products(cosine, slice(0, 2)) == pytest.approx(np.array([[1, 0.8], [0.8, 1]]), abs=1e-6)
    assert exact_sum(cosine, np.empty(0, np.int64), np.empty(0)).tolist() == [0, 0]
