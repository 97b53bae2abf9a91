"""The mode follows from memory, and asking for one that does not fit is refused with the numbers."""

from __future__ import annotations

import pytest

from prune.core.errors import OptionError
from prune.index.resource_plan import Size
from prune.optimizers.facility_plan import Ways, facility_plan, links_of, parts_of

GIB = 2**30


def test_dense_while_it_fits_then_the_graph_then_parts() -> None:
    plans = [facility_plan(Size(n, 512, 4 * GIB), n // 10, Ways()) for n in (5_000, 1_000_000, 20_000_000)]
    assert [plan.mode for plan in plans] == ["dense", "sparse", "partitioned"]
    assert plans[0].why == "5,000 × 5,000 similarities are 100 MB"
    assert all(plan.bytes <= 4 * GIB for plan in plans[:2])
    assert plans[0].bytes >= 4 * 5_000**2
    assert plans[1].bytes >= 64 * 1_000_000 * 20


def test_the_user_may_ask_for_a_mode_if_it_fits() -> None:
    size = Size(30_000, 64, 5 * GIB)
    assert facility_plan(size, 10, Ways()).mode == "sparse"  # similarities would take more than half
    assert facility_plan(size, 10, Ways(mode="dense")).mode == "dense"
    assert facility_plan(size, 10, Ways(mode="dense")).why == "asked for"
    assert facility_plan(size, 10, Ways(mode="partitioned")).mode == "partitioned"
    with pytest.raises(
        OptionError, match=r"mode=dense needs 3\.\d+ GB for 30,000 samples, and may use 1\.07 GB"
    ):
        facility_plan(Size(30_000, 64, GIB), 10, Ways(mode="dense"))


def test_parts_are_small_and_at_least_two() -> None:
    assert parts_of(100, GIB, None) == 2
    assert parts_of(1_000_000, 100 * GIB, None) == 62
    assert parts_of(1_000_000, GIB // 4, None) == 245  # of 4,096 samples and 64 MiB
    assert parts_of(3, GIB, 8) == 3
    assert links_of(1_000_000, GIB, 64) == 9
    assert links_of(1_000_000, 64 * 2**20, 64) == 4


def test_the_plain_loop_costs_k_times_as_much() -> None:
    size = Size(5_000, 64, 4 * GIB)
    assert facility_plan(size, 500, Ways(greedy="naive")).work > 5 * facility_plan(size, 500, Ways()).work
