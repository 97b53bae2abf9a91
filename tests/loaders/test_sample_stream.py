"""The iterable dataset: exactly the kept samples over workers and ranks, also after a kill in mid-epoch."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader

import prune
from prune.core.errors import OptionError, StoreError
from prune.loaders import SampleStream, stream

KEPT = 23
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*multi-threaded")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, chosen: Callable[..., prune.Store]) -> prune.Store:
    """Files of lines, 40 of them; 23 lines are kept."""
    folder = tmp_path_factory.mktemp("stream") / "data"
    folder.mkdir()
    for part in range(4):
        lines = [json.dumps({"text": f"text {part} {row}", "label": row % 3}) for row in range(10)]
        (folder / f"{part}.jsonl").write_text("\n".join(lines) + "\n")
    return chosen(str(folder), count=KEPT)


def keys_of(loader: Any) -> list[str]:
    return [key for batch in loader for *_, key in batch]


def loader(source: SampleStream, workers: int, size: int = 3) -> DataLoader[Any]:
    return DataLoader(source, batch_size=size, collate_fn=list, num_workers=workers)


@pytest.mark.parametrize(("workers", "world"), list(itertools.product((0, 2, 4), (1, 2, 4))))
def test_every_kept_sample_once_an_epoch(workers: int, world: int, store: prune.Store) -> None:
    kept = sorted(store.selection().keys.tolist())
    seen, lengths = [], []
    for rank in range(world):
        source = stream(store, keys=True, shuffle=True, rank=rank, world=world)
        mine = keys_of(loader(source, workers))
        lengths.append(len(mine))
        assert len(source) == len(mine)
        seen += mine
    assert sorted(seen) == kept
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("even", "total"), [("repeat", 24), ("drop", 20)])
def test_ranks_can_be_made_even(even: str, total: int, store: prune.Store) -> None:
    parts = [keys_of(loader(stream(store, keys=True, rank=r, world=4, even=even), 0)) for r in range(4)]
    assert {len(part) for part in parts} == {total // 4}
    assert set(itertools.chain(*parts)) <= set(store.selection().keys.tolist())


def test_with_the_size_of_a_batch_the_batches_are_those_of_one_process(store: prune.Store) -> None:
    def batches(workers: int) -> list[list[str]]:
        source = stream(store, keys=True, shuffle=True, seed=5, batch_size=3)
        return [[key for *_, key in batch] for batch in loader(source, workers)]

    assert batches(0) == batches(2) == batches(3)


def test_an_epoch_has_its_order_also_in_workers_that_live_on(store: prune.Store) -> None:
    source = stream(store, keys=True, shuffle=True, batch_size=3)
    lasting = DataLoader(source, batch_size=3, collate_fn=list, num_workers=2, persistent_workers=True)
    seen = []
    for epoch in (0, 1, 0):
        source.set_epoch(epoch)
        seen.append(keys_of(lasting))
    alone = stream(store, keys=True, shuffle=True)
    for epoch, keys in zip((0, 1, 0), seen, strict=True):
        alone.set_epoch(epoch)
        assert keys == [key for *_, key in alone]
    assert seen[0] != seen[1]
    assert alone.epoch == 0


@pytest.mark.parametrize("taken", [0, 1, 11, 22])
def test_a_state_goes_on_after_the_samples_that_were_taken(taken: int, store: prune.Store) -> None:
    first = stream(store, keys=True, shuffle=True, seed=2)
    first.set_epoch(4)
    going = iter(first)
    had = [next(going)[-1] for _ in range(taken)]
    state = json.loads(json.dumps(first.state_dict()))
    again = stream(store, keys=True, shuffle=True, seed=2)
    again.load_state_dict(state)
    assert (again.epoch, len(again)) == (4, KEPT)  # of a whole epoch
    assert again.state_dict() == state
    again.set_epoch(4)  # as a loop does that begins at `again.epoch`
    rest = [key for *_, key in again]
    assert had + rest == [key for *_, key in first]
    assert sorted(had + rest) == sorted(store.selection().keys.tolist())
    assert len(list(again)) == KEPT  # the next pass is a whole one
    again.load_state_dict(state)
    again.set_epoch(5)
    again.set_epoch(4)  # from its beginning: another epoch was said in between
    assert len(again) == len(list(again)) == KEPT


def test_a_state_after_the_last_sample_is_the_begin_of_the_next_epoch(store: prune.Store) -> None:
    source = stream(store)
    assert len(list(source)) == KEPT
    again = stream(store)
    again.load_state_dict(source.state_dict())
    assert (again.epoch, len(again)) == (1, KEPT)


def test_a_state_told_in_batches_fits_any_number_of_workers(store: prune.Store) -> None:
    whole = stream(store, keys=True, shuffle=True, batch_size=4)
    batches = [[key for *_, key in batch] for batch in loader(whole, 2, 4)]
    state = whole.state_dict(batches=2)
    for workers in (0, 2, 3):
        again = stream(store, keys=True, shuffle=True, batch_size=4)
        again.load_state_dict(state)
        assert [[key for *_, key in batch] for batch in loader(again, workers, 4)] == batches[2:]
        assert again.state_dict(batches=1)["skipped"] == 12


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
@pytest.mark.parametrize("batch_size", [None, 3])
def test_the_stateful_loader_of_torchdata_goes_on_too(batch_size: int | None, store: prune.Store) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader

    def made(workers: int) -> Any:
        source = stream(store, keys=True, shuffle=True, batch_size=batch_size)
        return stateful(source, batch_size=3, collate_fn=list, num_workers=workers)

    for workers in (0, 2):
        first = made(workers)
        whole = [[key for *_, key in batch] for batch in first]
        going = iter(made_again := made(workers))
        had = [[key for *_, key in next(going)] for _ in range(3)]
        again = made(workers)
        again.load_state_dict(made_again.state_dict())
        assert had + [[key for *_, key in batch] for batch in again] == whole


def test_a_state_of_something_else_is_refused(store: prune.Store) -> None:
    state = stream(store, shuffle=True).state_dict()
    for other in ({"shuffle": False}, {"seed": 1}, {"rank": 0, "world": 2}, {"count": 3}):
        with pytest.raises(OptionError, match="the state is of other samples") as caught:
            stream(store, **{"shuffle": True, **other}).load_state_dict(state)
        assert caught.value.hint
    ranks = [stream(store, rank=rank, world=2) for rank in range(2)]
    ranks[1].load_state_dict(ranks[0].state_dict())  # of another rank: the same training
    with pytest.raises(OptionError, match="how large a batch is was not said"):
        stream(store).state_dict(batches=2)
    with pytest.raises(OptionError, match="epoch=-1 is below 0"):
        stream(store).set_epoch(-1)
    with pytest.raises(OptionError, match="batches=1.5 is not a whole number"):
        stream(store, batch_size=2).state_dict(batches=1.5)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="buffer=1.5 is not a whole number"):
        stream(store, buffer=1.5)  # type: ignore[arg-type]


def test_the_state_of_a_worker_fits_that_worker_only(store: prune.Store) -> None:
    source = stream(store)
    source.load_state_dict({**source.state_dict(), "worker": 1, "workers": 2})
    with pytest.raises(OptionError, match="the state is of worker 1 of 2, and now there are 0 workers"):
        next(iter(source))


def test_files_that_are_read_forward_are_mixed_in_windows(
    tmp_path: Path, contract: types.ModuleType, chosen: Callable[..., prune.Store]
) -> None:
    store = chosen(contract.huggingface(tmp_path / "data"), count=9)
    plain = stream(store, keys=True)
    mixed = stream(store, keys=True, shuffle=True)
    assert plain._position.order.mixed is not None
    assert sorted(key for *_, key in mixed) == [key for *_, key in plain]
    source = pickle.loads(pickle.dumps(mixed))  # noqa: S301 - our own object
    assert list(map(repr, (key for *_, key in source))) == list(map(repr, (key for *_, key in mixed)))


def test_rank_and_world_are_those_of_the_training(
    store: prune.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert len(stream(store)) == len(stream(store, rank=1, world=4)) == 6
    with pytest.raises(OptionError, match="one without the other"):
        stream(store, rank=1)
    with pytest.raises(OptionError, match="rank=4 of world=4"):
        stream(store, rank=4, world=4)
    monkeypatch.delenv("RANK")
    assert len(stream(store)) == KEPT


DISTRIBUTED = """
import sys, torch.distributed
from prune.loaders import stream
place, rank, store = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
print(*[key for *_, key in stream(store, keys=True)], sep="\\n")
torch.distributed.destroy_process_group()
"""


def test_processes_of_torch_distributed_share_the_samples(store: prune.Store, tmp_path: Path) -> None:
    words = [sys.executable, "-W", "ignore", "-c", DISTRIBUTED, str(tmp_path / "meeting")]
    running = [
        subprocess.Popen([*words, str(rank), str(store.path)], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    parts = [one.communicate()[0].splitlines() for one in running]
    assert sorted(parts[0] + parts[1]) == sorted(store.selection().keys.tolist())
    assert [len(part) for part in parts] == [11, 12]


def test_a_source_that_changes_in_mid_epoch_is_refused(
    tmp_path: Path,
    contract: types.ModuleType,
    chosen: Callable[..., prune.Store],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prune.loaders.sample_stream._READ", 2)
    source = iter(stream(chosen(contract.jsonl(tmp_path / "data"), count=9)))
    next(source)
    last = tmp_path / "data" / "part-2.jsonl"
    last.write_text(last.read_text().replace("line 8", "line 9"))
    with pytest.raises(StoreError, match="stale: part-2.jsonl changed while it was read") as caught:
        list(source)
    assert caught.value.hint
