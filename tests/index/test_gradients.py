from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import DataError
from prune.index.gradients import GradientSpace, errors_of

RNG = np.random.default_rng(0)
E = RNG.standard_normal((40, 3)).astype(np.float32)
H = RNG.standard_normal((40, 5)).astype(np.float32)
FORMED = np.einsum("nc,nd->ncd", E, np.c_[H, np.ones(40, np.float32)]).astype(np.float64)  # (n, c, d + 1)
FLAT = FORMED.reshape(40, -1)


def test_everything_is_what_the_formed_gradients_give() -> None:
    space = GradientSpace(E, H)
    weights = RNG.random(40)
    point = RNG.standard_normal((3, 6))
    rows = np.array([7, 3, 3])
    assert (space.n, space.width, space.c, space.d) == (40, 8, 3, 5)
    assert np.allclose(space.squared_norms(), (FLAT**2).sum(1), rtol=1e-6)
    assert np.allclose(space.products(slice(0, 9), rows), FLAT[:9] @ FLAT[rows].T, rtol=1e-5, atol=1e-5)
    assert np.allclose(space.dot(point), FLAT @ point.ravel(), rtol=1e-4, atol=1e-4)
    assert np.allclose(space.sum(), FORMED.sum(0), rtol=1e-5, atol=1e-5)
    assert np.allclose(space.sum(weights), np.tensordot(weights, FORMED, 1), rtol=1e-5, atol=1e-5)


def test_the_last_column_of_a_point_is_the_bias() -> None:
    by_hand = GradientSpace(np.array([[2.0, -1.0]], np.float32), np.array([[3.0, 4.0, 0.0]], np.float32))
    assert by_hand.sum().tolist() == [[6, 8, 0, 2], [-3, -4, 0, -1]]
    assert by_hand.squared_norms().tolist() == [5 * (1 + 25)]


def test_cosine_divides_by_the_norm_and_leaves_zero_gradients_zero() -> None:
    errors = E.copy()
    errors[4] = 0
    space = GradientSpace(errors, H).under("cosine")
    norms = np.linalg.norm(FLAT, axis=1)
    assert space.zeros == 1
    assert space.squared_norms().tolist() == [1.0 if row != 4 else 0.0 for row in range(40)]
    expected = (FLAT[:4] / norms[:4, None]) @ (FLAT[5:] / norms[5:, None]).T
    assert np.allclose(space.products(slice(0, 4), slice(5, 40)), expected, atol=1e-5)
    assert not space.products(np.array([4]), slice(0, 40)).any()


def test_a_subset_of_a_subset_is_a_view_of_the_right_rows() -> None:
    space = GradientSpace(E, H).subset(np.array([9, 3, 30, 4])).subset(np.array([2, 0]))
    assert space.n == 2
    assert np.shares_memory(space.errors, E)
    assert np.allclose(space.products(slice(0, 2), slice(0, 2)), FLAT[[30, 9]] @ FLAT[[30, 9]].T, rtol=1e-5)


def test_a_sketch_has_nearly_the_same_products() -> None:
    sketch = GradientSpace(E, H).coordinates()
    assert sketch.d == 512
    norms = np.linalg.norm(FLAT, axis=1)
    off = (sketch.products(slice(0, 40), slice(0, 40)) - FLAT @ FLAT.T) / np.outer(norms, norms)
    assert np.sqrt((off**2).mean()) < 1.5 * np.sqrt(2 / 512)
    assert abs(off.mean()) < 0.01
    again = GradientSpace(E, H).coordinates()
    assert np.array_equal(sketch.embeddings, again.embeddings)


def test_small_errors_keep_their_digits_where_p_rounds_to_one() -> None:
    probs = np.array([[0.99996, 0.00004], [0.25, 0.75]], np.float16)
    errors = errors_of(probs, np.array([0, 1]))
    assert errors.dtype == np.float16
    assert np.allclose(errors[0], [-0.00004, 0.00004], rtol=1e-2)
    assert errors[1].tolist() == [0.25, -0.25]
    assert probs[1].tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("errors", "features", "kind", "message"),
    [
        (E, H[:3], ValueError, "40 errors, but 3 features"),
        (E.astype(np.float64), H, ValueError, "errors are float64"),
        (E, H[0], ValueError, "features are float32"),
        (
            E,
            np.where(np.arange(40)[:, None] == 7, np.nan, H),
            DataError,
            r"1 of 40 features are not finite \(row 7\)",
        ),
    ],
)
def test_factors_that_do_not_fit(
    errors: np.ndarray, features: np.ndarray, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        GradientSpace(errors, features)


def test_labels_outside_the_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels span \[0, 2\], but probs has 2 classes"):
        errors_of(np.full((3, 2), 0.5, np.float32), np.array([0, 1, 2]))
