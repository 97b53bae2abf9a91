from __future__ import annotations

import numpy as np
import pytest

from prune.index.quickselect import quickselect


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kinds", [1, 3, 1000])  # of values: ties are what a pivot gets wrong
def test_is_the_value_at_its_place_of_the_sorted(dtype: type, kinds: int) -> None:
    rng = np.random.default_rng(kinds)
    for n in (1, 2, 3, 40, 257):
        values = rng.integers(0, kinds, n).astype(dtype)
        for k in {0, n // 2, n - 1}:
            assert quickselect(values.copy(), k) == np.sort(values)[k]
