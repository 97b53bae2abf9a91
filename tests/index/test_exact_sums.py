"""The float64 distance is right, symmetric, and the same number wherever it is computed."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index.exact_sums import CHUNK, LANES, dot, squared


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


def _added(terms: np.ndarray) -> float:
    """Terms, a multiple of LANES, in LANES sums one after the other, which are then added by halves."""
    sums = np.zeros(LANES)
    for start in range(0, len(terms), LANES):
        sums += terms[start : start + LANES]
    while len(sums) > 1:
        sums = sums[: len(sums) // 2] + sums[len(sums) // 2 :]
    return float(sums[0])


@pytest.mark.parametrize("d", [1, 15, 16, 17, 127, 128, 129, 143, 144, 300, 512])
def test_is_added_in_the_order_that_is_written_down(d: int) -> None:
    one, two = np.random.default_rng(d).standard_normal((2, d)).astype(np.float32)
    total = 0.0
    for start in range(0, d, CHUNK):
        terms = (one[start : start + CHUNK].astype(np.float64) - two[start : start + CHUNK]) ** 2
        whole = len(terms) - len(terms) % LANES
        total += _added(terms[:whole])
        for term in terms[whole:]:
            total += term
    assert squared(one, two, np.inf) == total
    terms, whole = one.astype(np.float64) * two, d - d % LANES
    total = _added(terms[:whole])
    for term in terms[whole:]:
        total += term
    assert dot(one, two) == total
    assert dot(one, two) == dot(two, one)
