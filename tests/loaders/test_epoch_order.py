"""The order of an epoch: every sample once over ranks and workers, drawn by seed and epoch, in runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.loaders.epoch_order import EpochOrder, of_worker
from prune.loaders.option_checks import batch_size_of

FILES = np.repeat([0, 1, 2], [5, 9, 3])  # 17 samples in three files


def all_ranks(world: int, **how: object) -> list[np.ndarray]:
    return [EpochOrder(rank=rank, world=world, **how).positions(FILES, 0) for rank in range(world)]


@pytest.mark.parametrize(
    ("world", "workers", "lot"), list(itertools.product((1, 2, 4), (1, 2, 4), (None, 1, 3)))
)
@pytest.mark.parametrize("mixed", [None, 0, 6])
def test_every_sample_once_over_ranks_and_workers(
    world: int, workers: int, lot: int | None, mixed: int | None
) -> None:
    parts = [
        of_worker(rank, worker, workers, lot)
        for rank in all_ranks(world, shuffle=True, run=2, mixed=mixed)
        for worker in range(workers)
    ]
    assert sorted(np.concatenate(parts).tolist()) == list(range(17))


def test_without_shuffling_samples_come_as_they_lie() -> None:
    assert [part.tolist() for part in all_ranks(2)] == [list(range(8)), list(range(8, 17))]


@pytest.mark.parametrize(
    ("even", "each", "extra"),
    [("no", (4, 4, 4, 5), []), ("repeat", (5,) * 4, [0, 1, 2]), ("drop", (4,) * 4, [])],
)
def test_ranks_that_do_not_come_out_even(even: str, each: tuple[int, ...], extra: list[int]) -> None:
    parts = all_ranks(4, even=even)
    assert tuple(map(len, parts)) == each
    assert tuple(EpochOrder(rank=rank, world=4, even=even).count(17) for rank in range(4)) == each
    seen = sorted(np.concatenate(parts).tolist())
    assert seen == (list(range(16)) if even == "drop" else sorted([*range(17), *extra]))


def test_more_ranks_than_samples_repeat_all_of_them() -> None:
    parts = [
        EpochOrder(rank=rank, world=5, even="repeat").positions(np.zeros(2, np.int64), 0).tolist()
        for rank in range(5)
    ]
    assert parts == [[0], [1], [0], [1], [0]]


def test_the_same_seed_and_epoch_draw_the_same_order_and_others_another() -> None:
    def drawn(seed: int, epoch: int) -> list[int]:
        return EpochOrder(shuffle=True, seed=seed).positions(FILES, epoch).tolist()

    assert drawn(0, 0) == drawn(0, 0)
    assert len({tuple(drawn(*one)) for one in ((0, 0), (0, 1), (1, 0))}) == 3


def test_runs_stay_together_and_within_files() -> None:
    order = EpochOrder(shuffle=True, seed=3, run=4, mixed=0).positions(FILES, 1).tolist()
    runs = [[0, 1, 2, 3], [4], [5, 6, 7, 8], [9, 10, 11, 12], [13], [14, 15, 16]]
    starts = {run[0]: run for run in runs}
    at = 0
    while at < 17:
        run = starts.pop(order[at])
        assert order[at : at + len(run)] == run
        at += len(run)
    assert starts == {}


def test_samples_are_mixed_within_windows_of_the_runs() -> None:
    together = EpochOrder(shuffle=True, seed=3, run=4, mixed=0).positions(FILES, 1)
    mixed = EpochOrder(shuffle=True, seed=3, run=4, mixed=6).positions(FILES, 1)
    for start in range(0, 17, 6):
        assert sorted(mixed[start : start + 6].tolist()) == sorted(together[start : start + 6].tolist())
    assert mixed.tolist() != together.tolist()


def test_lots_are_dealt_in_turn() -> None:
    found = [of_worker(np.arange(10), worker, 2, 3).tolist() for worker in range(2)]
    assert found == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9]]


def test_no_samples_have_an_order_too() -> None:
    none = np.zeros(0, np.int64)
    for mixed in (None, 0, 4):
        for even in ("no", "repeat", "drop"):
            assert EpochOrder(shuffle=True, mixed=mixed, even=even).positions(none, 0).tolist() == []
    assert of_worker(none, 1, 2, None).tolist() == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"rank": 2, "world": 2}, "rank=2 of world=2"),
        ({"even": "most"}, "even='most' is not one of"),
        ({"seed": -1}, "seed=-1 is below 0"),
        ({"mixed": -1}, "buffer=-1 is below 0"),
        ({"mixed": 1.5}, "buffer=1.5 is not a whole number"),
        ({"seed": 1.5}, "seed=1.5 is not a whole number"),
        ({"seed": True}, "seed=True is not a whole number"),
        ({"world": 2.0}, "world=2.0 is not a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused(how: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        EpochOrder(**how)
    assert caught.value.hint
    with pytest.raises(OptionError, match="batch_size=0 is below 1"):
        batch_size_of(0)


def test_numbers_of_numpy_are_as_good() -> None:
    order = EpochOrder(seed=np.int64(3), mixed=np.int32(4), world=np.int64(2))
    assert order == EpochOrder(seed=3, mixed=4, world=2)
    assert {type(value) for value in (order.seed, order.mixed, order.world)} == {int}
