"""Samplers over the original data: exactly the kept rows, over ranks, after a stop, by weight."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset
from torchvision.datasets import ImageFolder

import prune
from prune.core.errors import OptionError, StoreError
from prune.loaders import SelectionSampler, WeightedRow, dataset, weighted
from prune.trace import numbered

N, K = 40, 13


class Labelled(TensorDataset):
    """What a user has: the whole data in the order of the keys, with targets as torchvision has them."""

    def __init__(self, labels: Any) -> None:
        self.targets = list(labels)
        super().__init__(torch.arange(len(self.targets)), torch.tensor(self.targets))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> prune.Store:
    """Forty texts of four classes, and selections with and without weights."""
    home = tmp_path_factory.mktemp("samplers")
    lines = [f"word{i} number{i % 7}\tclass{i // 10}" for i in range(N)]
    (home / "texts.csv").write_text("\n".join(["text,label", *(line.replace("\t", ",") for line in lines)]))
    held = prune.Store(home / "s")
    prune.embed(held, str(home / "texts.csv"))
    prune.select(held, method="kcenter", count=5, reweight="cluster", name="heavy")
    prune.select(held, method="kcenter", count=K)
    return held


def test_an_epoch_is_the_selection_in_an_order_of_its_own(store: prune.Store) -> None:
    kept = store.selection().rows.tolist()
    sampler = SelectionSampler(store)
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == kept
    assert first != second
    again = SelectionSampler(store)
    again.set_epoch(1)
    assert list(again) == second
    assert list(SelectionSampler(store, shuffle=False)) == kept
    assert list(SelectionSampler(store, seed=1)) != first


def test_a_fraction_is_what_was_taken_first(store: prune.Store) -> None:
    whole = store.selection()
    sampler = SelectionSampler(store, fraction=0.1, shuffle=False)
    assert list(sampler) == whole.rows[whole.ranks < 4].tolist()
    with pytest.raises(OptionError, match="asks for 20 samples"):
        SelectionSampler(store, fraction=0.5)
    assert list(SelectionSampler(store, count=4, shuffle=False)) == list(sampler)


@pytest.mark.parametrize("written", ["manifest", "jsonl"])
def test_an_export_stands_for_the_selection(store: prune.Store, tmp_path: Path, written: str) -> None:
    prune.export(store, format=written, out=tmp_path / "out")
    sampler = SelectionSampler(tmp_path / "out", fraction=0.2, shuffle=False)
    assert list(sampler) == list(SelectionSampler(store, fraction=0.2, shuffle=False))
    with pytest.raises(OptionError, match="not 'other'"):
        SelectionSampler(tmp_path / "out", "other")
    with pytest.raises(StoreError):
        SelectionSampler(tmp_path / "nothing")


def test_a_store_with_the_records_of_an_export_in_it_is_a_store(store: prune.Store, tmp_path: Path) -> None:
    """One rule for samplers and datasets: where a store is, it is meant."""
    both = shutil.copytree(store.path, tmp_path / "both")
    prune.export(store, format="manifest", out=tmp_path / "out")
    for name in ("selection.json", "manifest.parquet"):
        shutil.copy(tmp_path / "out" / name, both)
    prune.select(both, method="kcenter", count=3)
    kept = prune.Store(both).selection().rows.tolist()
    assert list(SelectionSampler(both, shuffle=False)) == dataset(both).rows.tolist() == kept


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_and_workers_share_out_exactly_the_kept(store: prune.Store, world: int, workers: int) -> None:
    seen: list[int] = []
    for rank in range(world):
        sampler = SelectionSampler(store, rank=rank, world=world)
        loader = DataLoader(Labelled([0] * N), batch_size=2, sampler=sampler, num_workers=workers)
        mine = [row for rows, _ in loader for row in rows.tolist()]
        assert len(mine) == len(SelectionSampler(store, rank=rank, world=world))
        seen += mine
    assert sorted(seen) == store.selection().rows.tolist()


@pytest.mark.parametrize(("even", "each"), [("repeat", 4), ("drop", 3)])
def test_ranks_come_out_even_where_that_is_asked_for(store: prune.Store, even: Any, each: int) -> None:
    parts = [list(SelectionSampler(store, rank=rank, world=4, even=even)) for rank in range(4)]
    assert [len(part) for part in parts] == [each] * 4
    assert len({row for part in parts for row in part}) == min(4 * each, K)


@pytest.mark.parametrize("taken", [0, 1, 3, 6, 7])
@pytest.mark.parametrize("after", [2, 3])
def test_it_goes_on_in_mid_epoch_with_other_ranks(store: prune.Store, taken: int, after: int) -> None:
    """What two ranks were trained on, and what comes after with two or three, is the epoch."""
    ranks = [SelectionSampler(store, rank=rank, world=2, seed=3) for rank in range(2)]
    before = [list(rank)[:taken] for rank in ranks]
    state = pickle.loads(pickle.dumps(ranks[0].state_dict(taken)))  # noqa: S301 - our own
    rest: list[int] = []
    for rank in range(after):
        sampler = SelectionSampler(store, rank=rank, world=after, seed=3)
        sampler.load_state_dict(state)
        assert sampler.epoch == (taken == 7)
        assert len(sampler) == len(SelectionSampler(store, rank=rank, world=after))  # of a whole epoch
        rest += list(sampler)
    both = sorted(rest if taken == 7 else sum(before, rest))
    assert both == store.selection().rows.tolist()


def test_every_rank_that_is_through_says_that_the_next_epoch_comes(store: prune.Store) -> None:
    ranks = [SelectionSampler(store, rank=rank, world=4) for rank in range(4)]
    assert [len(list(rank)) for rank in ranks] == [4, 3, 3, 3]
    states = [rank.state_dict() for rank in ranks]
    assert [(state["epoch"], state["seen"]) for state in states] == [(1, 0)] * 4
    assert [rank.state_dict(2)["seen"] for rank in ranks] == [8] * 4  # of training, not of the loader


def test_a_loop_goes_on_as_if_it_had_not_stopped(store: prune.Store) -> None:
    def run(sampler: SelectionSampler, epochs: int) -> list[int]:
        loader = DataLoader(range(N), batch_size=4, sampler=sampler)
        return [row for _ in range(sampler.epoch, epochs) for rows in loader for row in rows.tolist()]

    whole, cut = run(SelectionSampler(store), 3), SelectionSampler(store)
    run(cut, 1)
    halfway = iter(DataLoader(range(N), batch_size=4, sampler=cut))
    before = sum((next(halfway).tolist() for _ in range(2)), run(SelectionSampler(store), 1))
    resumed = SelectionSampler(store)
    resumed.load_state_dict(cut.state_dict())
    resumed.set_epoch(1)  # frameworks say it again
    assert before + run(resumed, 3) == whole


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
@pytest.mark.parametrize("workers", [0, 2])
def test_the_stateful_loader_of_torchdata_asks_for_the_state_itself(store: prune.Store, workers: int) -> None:
    """It is some batches ahead with workers, and its state is that of what it has handed out."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader

    def made() -> Any:
        return stateful(range(N), 2, sampler=SelectionSampler(store, seed=5), num_workers=workers)

    def passes(loader: Any, times: int) -> list[list[int]]:
        return [[row for rows in loader for row in rows.tolist()] for _ in range(times)]

    whole, first, again = passes(made(), 3), made(), made()
    assert passes(first, 1) == whole[:1]
    going = iter(first)
    had = [row for _ in range(3) for row in next(going).tolist()]
    again.load_state_dict(pickle.loads(pickle.dumps(first.state_dict())))  # noqa: S301 - our own
    rest = passes(again, 2)
    assert [had + rest[0], rest[1]] == whole[1:]


def test_the_state_of_another_is_refused(store: prune.Store) -> None:
    state = SelectionSampler(store, seed=1).state_dict()
    with pytest.raises(OptionError, match="another SelectionSampler"):
        SelectionSampler(store).load_state_dict(state)


def test_weights_are_never_lost_in_silence(store: prune.Store) -> None:
    with pytest.raises(OptionError, match="heavy have weights"):
        SelectionSampler(store, "heavy")
    with pytest.raises(OptionError, match="not one of handed"):
        SelectionSampler(store, "heavy", weights="some")  # type: ignore[arg-type]
    assert (
        sorted(SelectionSampler(store, "heavy", weights="ignored")) == store.selection("heavy").rows.tolist()
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_weights_that_are_handed_out_come_with_the_sample(store: prune.Store, workers: int) -> None:
    heavy = store.selection("heavy")
    sampler = SelectionSampler(store, "heavy", weights="handed")
    data = weighted(numbered(Labelled(range(N))))
    loader = DataLoader(data, batch_size=2, sampler=sampler, num_workers=workers)
    seen = {}
    for x, y, rows, weights in loader:
        assert x.tolist() == y.tolist() == rows.tolist()
        assert weights.dtype == torch.float32
        seen |= dict(zip(rows.tolist(), weights.tolist(), strict=True))
    assert seen == dict(zip(heavy.rows.tolist(), heavy.weights.tolist(), strict=True))
    assert weighted([{"x": 5}])[0]["weight"] == 1
    assert weighted([{"x": 5}])[WeightedRow(0, 2.5)]["weight"] == 2.5


def test_rows_that_are_drawn_come_as_often_as_they_weigh(store: prune.Store) -> None:
    heavy = store.selection("heavy")
    expected = heavy.weights * (len(heavy) / heavy.weights.sum())
    sampler = SelectionSampler(store, "heavy", weights="drawn")
    epochs = 2000
    counts = np.zeros(N)
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        drawn = np.bincount(list(sampler), minlength=N)
        assert (np.abs(drawn[heavy.rows] - expected) < 1).all()  # rounded down or up
        counts += drawn
    np.testing.assert_allclose(counts[heavy.rows] / epochs, expected, atol=0.05)


def test_a_dataset_in_another_order_is_noticed(store: prune.Store) -> None:
    labels = np.arange(N) // 10
    SelectionSampler(store, dataset=Labelled(9 - labels))  # other ids of the same classes
    with pytest.raises(OptionError, match="39 samples, and prune has read 40"):
        SelectionSampler(store, dataset=Labelled(labels[1:]))
    with pytest.raises(OptionError, match="in another order"):
        SelectionSampler(store, dataset=Labelled(np.arange(N) % 4))


@pytest.mark.parametrize(
    "wrong", [{"rank": 2, "world": 2}, {"even": "x"}, {"seed": -1}, {"seed": 1.5}, {"rank": 0.0}]
)
def test_what_makes_no_sense_is_refused(store: prune.Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        SelectionSampler(store, **wrong)


def test_the_files_of_an_image_folder_are_found_in_whatever_order(tmp_path: Path) -> None:
    """torchvision reads a folder before the folders in it, prune goes by the whole name."""
    names = ["Zebra/b.png", "ape/10.png", "ape/9.png", "ape/B.png", "ape/a/x.png", "ape/a.png", "ape-2/é.png"]
    for at, name in enumerate(names):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), 30 * at, np.uint8)).save(tmp_path / "data" / name)
    store = prune.Store(tmp_path / "s")
    prune.embed(store, str(tmp_path / "data"), encoder="pixels")
    prune.select(store, method="random", count=5, reweight="cluster")
    theirs = ImageFolder(tmp_path / "data")
    found = [Path(path).relative_to(tmp_path / "data").as_posix() for path, _ in theirs.samples]
    assert found != store.dataset.keys
    sampler = SelectionSampler(store, dataset=theirs, weights="handed")
    chosen = store.selection()
    weights = {found[row]: row.weight for row in sampler}  # type: ignore[attr-defined]
    assert weights == dict(zip(chosen.keys.tolist(), chosen.weights.tolist(), strict=True))
    (tmp_path / "data/ape/9.png").rename(tmp_path / "data/ape/8.png")
    with pytest.raises(OptionError, match="has no 'ape/9.png'"):
        SelectionSampler(store, dataset=ImageFolder(tmp_path / "data"), weights="handed")
