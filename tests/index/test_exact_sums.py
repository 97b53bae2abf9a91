"""The float64 distance is right, symmetric, and the same number wherever it is computed."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index.exact_sums import squared


@pytest.mark.parametrize("d", [1, 2, 15, 16, 17, 31, 127, 128, 129, 300, 512])
def test_squared_distance_is_the_sum_of_squared_differences(d: int) -> None:
    one, two = np.random.default_rng(d).standard_normal((2, d)).astype(np.float32)
    exact = ((one.astype(np.float64) - two.astype(np.float64)) ** 2).sum()
    assert squared(one, two, np.inf) == pytest.approx(exact, rel=1e-14)
    assert squared(one, two, np.inf) == squared(two, one, np.inf)


def test_sum_of_whole_numbers_has_no_rounding() -> None:
    one, two = np.random.default_rng(0).integers(-2000, 2000, (2, 777)).astype(np.float32)
    assert squared(one, two, np.inf) == ((one.astype(int) - two.astype(int)) ** 2).sum()


def test_a_sum_given_up_is_between_its_limit_and_the_truth() -> None:
    one, two = np.random.default_rng(0).standard_normal((2, 512)).astype(np.float32)
    whole = squared(one, two, np.inf)
    for limit in (0.0, whole / 3, whole):
        assert limit <= squared(one, two, limit) <= whole
    assert squared(one, two, np.nextafter(whole, np.inf)) == whole
