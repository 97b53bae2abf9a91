"""Each epoch's rows are the schedule's; InfoBatch skips without bias; both go on in mid-epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prune.core.errors import DataError, OptionError
from prune.loaders import InfoBatchSampler, RandomSubsets, ScheduleSampler

N, K, EPOCHS = 30, 8, 5


@pytest.fixture
def rows() -> np.ndarray:
    return np.stack([RandomSubsets(N, K, EPOCHS, seed=1).rows_of(epoch) for epoch in range(EPOCHS)])


def test_each_epoch_has_the_rows_of_the_schedule(tmp_path: Path, rows: np.ndarray) -> None:
    np.save(tmp_path / "mine.npy", rows)
    for schedule in (tmp_path / "mine.npy", RandomSubsets(N, K, EPOCHS, seed=1)):
        sampler = ScheduleSampler(schedule)
        assert [sorted(sampler) for _ in range(EPOCHS)] == rows.tolist()
        with pytest.raises(OptionError, match="has 5 epochs, and number 6"):
            list(sampler)


def test_ranks_share_an_epoch_out_and_it_goes_on_in_the_middle(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "schedule.npy", rows)
    ranks = [ScheduleSampler(tmp_path, rank=rank, world=3) for rank in range(3)]
    for sampler in ranks:
        sampler.set_epoch(2)
    before = [row for sampler in ranks for row in list(sampler)[:2]]
    alone = ScheduleSampler(RandomSubsets(N, K, EPOCHS, seed=1))
    alone.load_state_dict(ranks[0].state_dict(2))
    assert sorted([*before, *alone]) == rows[2].tolist()


def test_weights_beside_a_schedule_come_with_the_rows(tmp_path: Path, rows: np.ndarray) -> None:
    weights = np.random.default_rng(0).random(rows.shape).astype(np.float32)
    np.save(tmp_path / "schedule.npy", rows)
    np.save(tmp_path / "weights.npy", weights)
    sampler = ScheduleSampler(tmp_path)
    sampler.set_epoch(3)
    assert {int(row): row.weight for row in sampler} == dict(
        zip(rows[3].tolist(), weights[3].tolist(), strict=True)
    )  # type: ignore[attr-defined]
    np.save(tmp_path / "weights.npy", weights[:2])
    with pytest.raises(DataError, match="has shape"):
        ScheduleSampler(tmp_path)


def test_the_state_of_another_schedule_between_the_same_ends_is_refused(
    tmp_path: Path, rows: np.ndarray
) -> None:
    state = ScheduleSampler(RandomSubsets(N, K, EPOCHS, seed=1)).state_dict()
    np.save(tmp_path / "schedule.npy", rows)
    ScheduleSampler(tmp_path).load_state_dict(state)  # the same sets, in a file
    np.save(tmp_path / "schedule.npy", rows[[0, 2, 1, 3, 4]])
    with pytest.raises(OptionError, match="another ScheduleSampler"):
        ScheduleSampler(tmp_path).load_state_dict(state)
    np.save(tmp_path / "schedule.npy", rows)
    np.save(tmp_path / "weights.npy", np.ones(rows.shape, np.float32))
    with pytest.raises(OptionError, match="another ScheduleSampler"):
        ScheduleSampler(tmp_path).load_state_dict(state)


def test_the_sets_are_gone_through_once_for_all_states() -> None:
    class Counted(RandomSubsets):
        asked = 0

        def rows_of(self, epoch: int) -> np.ndarray:
            self.asked += 1
            return super().rows_of(epoch)

    sets = Counted(N, K, EPOCHS)
    sampler = ScheduleSampler(sets)
    for _ in range(3):
        sampler.state_dict()
    assert sets.asked == EPOCHS


@pytest.mark.parametrize("held", [np.zeros(4, np.int64), np.zeros((2, 2)), np.zeros((0, 3), np.int64)])
def test_what_is_no_schedule_is_refused(tmp_path: Path, held: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", held)
    with pytest.raises(DataError, match="not rows"):
        ScheduleSampler(tmp_path / "x.npy")
    with pytest.raises(DataError, match="cannot be read"):
        ScheduleSampler(tmp_path / "nothing.npy")


def test_infobatch_skips_without_bias() -> None:
    """The mean over many epochs of the weighted sum of the gradients is the sum of all, in numbers."""
    source = np.random.default_rng(0)
    gradients, losses = source.normal(size=(N, 4)), source.random(N)
    epochs = 4000
    sampler = InfoBatchSampler(N, epochs=epochs, ratio=0.5, delta=1)
    sampler.observe(torch.arange(N), torch.tensor(losses))
    total, plain = np.zeros(4), np.zeros(4)
    below = losses < losses.mean()
    for epoch in range(1, epochs):
        sampler.set_epoch(epoch)
        rows, weights = sampler.rows_of(epoch)
        assert weights is not None
        assert set(np.flatnonzero(~below)) <= set(rows.tolist())
        np.testing.assert_array_equal(weights, np.where(below[rows], 2, 1))
        total += weights @ gradients[rows] / (epochs - 1)
        plain += gradients[rows].sum(0) / (epochs - 1)
    noise = np.sqrt((gradients[below] ** 2).sum(0) / epochs)  # of a draw that is 0 or 2 times each gradient
    assert (np.abs(total - gradients.sum(0)) < 4 * noise).all()
    assert (np.abs(plain - gradients.sum(0)) > 4 * noise).any()  # without weights there is a bias


def test_infobatch_skips_nothing_at_first_and_in_the_end() -> None:
    sampler = InfoBatchSampler(np.arange(100, 100 + N), epochs=8, delta=0.75)
    lengths = []
    for epoch in range(8):
        sampler.set_epoch(epoch)
        lengths.append(len(sampler))
        rows = [int(row) for row in sampler]
        sampler.observe(rows, [row % 10 for row in rows])
    assert lengths[0] == lengths[6] == lengths[7] == N
    assert max(lengths[1:6]) < N
    assert sampler.rows_of(7)[1] is None


def test_infobatch_goes_on_in_mid_epoch_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    def step(sampler: InfoBatchSampler, row: int) -> tuple[int, float]:
        sampler.observe([row], [abs(np.sin(row + sampler.epoch))])
        return int(row), getattr(row, "weight", 1.0)

    def run(sampler: InfoBatchSampler) -> list[Any]:
        return [step(sampler, row) for _ in range(sampler.epoch, 6) for row in sampler]

    whole, cut, done = run(InfoBatchSampler(N, epochs=6)), InfoBatchSampler(N, epochs=6), []
    for epoch in range(4):
        for at, row in enumerate(cut):
            done.append(step(cut, row))
            if epoch == 3 and at == 4:
                torch.save(cut.state_dict(), tmp_path / "state.pt")
                break
    again = InfoBatchSampler(N, epochs=6)
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert done + run(again) == whole


def test_infobatch_refuses_the_state_of_other_rows_between_the_same_ends() -> None:
    state = InfoBatchSampler(np.array([0, 1, 4]), epochs=3).state_dict()
    InfoBatchSampler(np.array([0, 1, 4]), epochs=3).load_state_dict(state)
    with pytest.raises(OptionError, match="another InfoBatchSampler"):
        InfoBatchSampler(np.array([0, 3, 4]), epochs=3).load_state_dict(state)


def test_infobatch_refuses_what_it_cannot_use() -> None:
    sampler = InfoBatchSampler(N, epochs=3)
    with pytest.raises(OptionError, match="rows of other samples"):
        sampler.observe([N], [1.0])
    with pytest.raises(OptionError, match="losses \\(\\)"):
        sampler.observe([1, 2], torch.tensor(0.5))
    with pytest.raises(OptionError, match="row 2 is no finite number"):
        sampler.observe([1, 2], [0.5, np.nan])
    with pytest.raises(OptionError, match="out of range"):
        InfoBatchSampler(N, epochs=3, ratio=1)
    with pytest.raises(OptionError, match="epochs=1.5 is not a whole number"):
        InfoBatchSampler(N, epochs=1.5)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="no samples to choose from"):
        InfoBatchSampler(np.zeros(0, np.int64), epochs=3)
    assert len(InfoBatchSampler(np.int64(N), epochs=3)) == N
