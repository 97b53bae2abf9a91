"""NormSim against its formula."""

from __future__ import annotations

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError

RNG = np.random.default_rng(0)
POOL = RNG.standard_normal((300, 12)).astype(np.float32)
TARGET = RNG.standard_normal((9, 12)).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("p", ["inf", "2"])
def test_the_highest_norm_comes_first(p: str) -> None:
    cosines = _unit(POOL) @ _unit(TARGET).T
    norms = cosines.max(1) if p == "inf" else np.sqrt(np.square(cosines).sum(1))
    found = prune.select_rows(POOL, target=TARGET, method="normsim", k=40, p=p)
    assert found.rows.tolist() == np.argsort(-norms)[:40].tolist()
    np.testing.assert_allclose(found.gains, norms[found.rows], atol=1e-6)


@pytest.mark.parametrize("p", ["inf", "2"])
def test_gradients_are_compared_by_their_factors(p: str) -> None:
    errors, features = (RNG.standard_normal((60, d)).astype(np.float32) for d in (3, 5))
    whole = np.einsum("nc,nd->ncd", errors, np.c_[features, np.ones(60)]).reshape(60, -1)
    cosines = _unit(whole) @ _unit(whole[:7]).T
    norms = cosines.max(1) if p == "inf" else np.sqrt(np.square(cosines).sum(1))
    given = {"errors": errors, "features": features, "target": (errors[:7], features[:7])}
    found = prune.select_rows(method="normsim", k=60, p=p, **given)
    np.testing.assert_allclose(found.gains, np.sort(norms)[::-1], atol=1e-6)


def test_equal_samples_are_drawn_and_those_without_direction_have_nothing() -> None:
    rows = np.repeat(TARGET[:2], 50, axis=0)
    rows[0] = 0
    first, second = (
        prune.select_rows(rows, target=TARGET[:1], method="normsim", k=20, seed=seed).rows for seed in (0, 1)
    )
    assert set(first) | set(second) <= set(range(1, 50))
    assert first.tolist() != second.tolist()
    whole = prune.select_rows(rows, target=TARGET[:1], method="normsim", k=100)
    assert whole.gains[whole.rows == 0].tolist() == [0.0]
    assert prune.select_rows(rows, target=0 * TARGET, method="normsim", k=5).gains.tolist() == [0.0] * 5


def test_a_target_that_does_not_fit_or_is_not_there_is_refused() -> None:
    with pytest.raises(OptionError, match="the target has 3 numbers a sample, and the pool 12"):
        prune.select_rows(POOL, target=TARGET[:, :3], method="normsim", k=5)
    with pytest.raises(ValueError, match="normsim needs something to match"):
        prune.select_rows(POOL, method="normsim", k=5)
    with pytest.raises(OptionError, match="is not one of inf, 2"):
        prune.select_rows(POOL, target=TARGET, method="normsim", k=5, p="1")
