"""CRAIG: clusters by hand, weights that sum to n, factors against explicit gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.gradients import GradientSpace
from prune.index.resource_plan import Size
from prune.index.space import EmbeddingSpace, Space
from prune.selectors.craig import craig as craig_of
from prune.selectors.craig import plan_of_craig


def craig(space: Space, **options: Any) -> Selection:
    """Choose by names of our own."""
    return craig_of(space, [str(row) for row in range(space.n)], **options)


MODES: list[dict[str, Any]] = [{}, {"mode": "sparse"}, {"mode": "partitioned"}]
CROWDS = np.array([[0, 0], [0, 1], [0, 2], [90, 0], [90, 1], [0, 50]], np.float32)


def _gradients(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    errors, features = (rng.standard_normal((n, d)).astype(np.float32) for d in (5, 9))
    return errors, features


def test_weights_are_the_sizes_of_the_crowds() -> None:
    taken = craig(EmbeddingSpace(CROWDS), k=3, seed=0)
    assert dict(zip(taken.rows.tolist(), taken.weights.tolist(), strict=True)) == {1: 3, 3: 2, 5: 1}
    assert taken.weights.dtype == np.float32


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize("k", [1, 7, 60, 120])
def test_weights_count_the_samples_nearest_to_each(options: dict[str, Any], k: int) -> None:
    errors, features = _gradients()
    taken = craig(GradientSpace(errors, features), k=k, seed=0, **options)
    assert taken.weights.sum() == 120
    assert (taken.weights >= 1).all()
    gradients = np.einsum("nc,nd->ncd", errors, np.hstack([features, np.ones((120, 1))])).reshape(120, -1)
    distances = np.linalg.norm(gradients[:, None] - gradients[taken.rows], axis=2)
    assert taken.weights.tolist() == np.bincount(distances.argmin(1), minlength=k).tolist()


def test_factors_give_what_explicit_gradients_give_and_beat_random_sets() -> None:
    errors, features = _gradients(seed=3)
    gradients = np.einsum("nc,nd->ncd", errors, np.hstack([features, np.ones((120, 1), np.float32)]))
    gradients = np.ascontiguousarray(gradients.reshape(120, -1), np.float32)
    one = craig(GradientSpace(errors, features), k=25, seed=0)
    two = craig(EmbeddingSpace(gradients), k=25, seed=0)
    assert one.rows.tolist() == two.rows.tolist()
    assert one.weights.tolist() == two.weights.tolist()
    assert one.gains == pytest.approx(two.gains, abs=1e-5)

    def far(rows: np.ndarray) -> float:
        return float(np.linalg.norm(gradients[:, None] - gradients[rows], axis=2).min(1).sum())

    rng = np.random.default_rng(0)
    assert far(one.rows) < min(far(rng.choice(120, 25, replace=False)) for _ in range(20))


def test_what_coincides_counts_for_the_one_taken_earlier_and_itself() -> None:
    space = EmbeddingSpace(np.float32([[0, 0]] * 4 + [[1, 1]]))
    taken = craig(space, k=3, seed=0)
    assert taken.rows[:2].tolist() == [0, 4]
    assert taken.rows[2] in {1, 2, 3}
    assert taken.weights.tolist() == [3, 1, 1]
    assert taken.gains[2] == 0
    assert taken.facts["filled"] == 1


def test_what_is_nearest_to_a_given_sample_counts_for_no_other() -> None:
    taken = craig(EmbeddingSpace(CROWDS), k=2, seed=0, given=np.array([0]))
    assert dict(zip(taken.rows.tolist(), taken.weights.tolist(), strict=True)) == {3: 2, 5: 1}


def test_refusals_and_the_plan() -> None:
    with pytest.raises(ValueError, match="cannot keep 7 of 6 samples"):
        craig(EmbeddingSpace(CROWDS), k=7, seed=0)
    with pytest.raises(OptionError, match="neighbours=0 is not at least 1"):
        craig(EmbeddingSpace(CROWDS), k=1, seed=0, neighbours=0)
    size = Size(5000, 64, 2**30)
    assert plan_of_craig(size, 500, {}).mode == "dense"
    assert plan_of_craig(size, 500, {"mode": "sparse"}).mode == "sparse"
