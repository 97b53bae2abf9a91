from __future__ import annotations

import pytest

from prune.proxy.train import _ends, one_cycle


@pytest.mark.parametrize("n", [2, 3, 4, 5, 127, 128, 129, 257, 1000])
@pytest.mark.parametrize("batch", [2, 3, 128])
def test_every_sample_is_in_one_step_and_no_step_has_one_sample(n: int, batch: int) -> None:
    ends = _ends(n, batch)
    sizes = [b - a for a, b in zip([0, *ends], ends, strict=False)]
    assert sum(sizes) == n
    assert min(sizes) >= 2
    assert max(sizes) <= max(batch, 3)
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("n", "batch", "steps", "largest"),
    [
        (50_000, 128, 391, 128),  # as many as needed
        (2048, 128, 16, 128),
        (2047, 128, 17, 121),  # fewer samples a step from here on
        (300, 128, 17, 18),
        (100, 128, 7, 15),  # but not fewer than 16
        (8192, 512, 16, 512),
        (300, 8, 38, 8),  # and never more than asked for
    ],
)
def test_a_small_dataset_has_sixteen_steps_too(n: int, batch: int, steps: int, largest: int) -> None:
    ends = _ends(n, batch)
    assert len(ends) == steps
    assert max(b - a for a, b in zip([0, *ends], ends, strict=False)) == largest


def test_the_learning_rate_rises_to_its_peak_and_falls() -> None:
    rates = [one_cycle(step, 10, 0.4) for step in range(10)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7])
    assert one_cycle(0, 1, 0.2) == 1
    assert all(0 < one_cycle(step, 5, 1.0) <= 1 for step in range(5))
    assert one_cycle(0, 100, 0.0) == 1
