"""Kept samples in pipelines of webdataset: what that library yields of the whole shards, less the rest."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webdataset as wds
from PIL import Image
from torch.utils.data import DataLoader

import prune
from prune.core.errors import OptionError, StoreError
from prune.loaders import KeptShards, shard_samples, stream, webdataset

N = 31  # samples, in three shards of odd forms
pytestmark = pytest.mark.filterwarnings(
    "ignore:This DataLoader will create",
    "ignore:.*multi-threaded",
    "ignore:unclosed file:ResourceWarning",  # the library leaves its own to the collector
)


def png(number: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.full((4, 3, 3), number, np.uint8)).save(sink, "png")
    return sink.getvalue()


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    info.mtime = 12.5  # type: ignore[assignment] # a float: PAX records before the member, as writers make them
    tar.addfile(info, io.BytesIO(data))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards with several members a sample, long names, folders, notes and a global header among them."""
    root = tmp_path_factory.mktemp("shards") / "data"
    root.mkdir()
    for shard, rows in enumerate((range(10), range(10, 11), range(11, N))):
        headers = {"comment": "hello"} if shard == 2 else {}
        with tarfile.open(root / f"{shard}.tar", "w", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
            add(tar, "x", kind=tarfile.DIRTYPE)
            for row in rows:
                key = f"x/{'long' * 40 if row % 7 == 0 else ''}{row:03d}"
                add(tar, f"{key}.PNG", png(row))
                if row % 5 == 0:
                    add(tar, "README", b"no sample")
                add(tar, f"{key}.cls", b"%d" % (row % 3))
                add(tar, f"{key}.meta.json", json.dumps({"row": row}).encode())
            add(tar, "__notes__", b"none either")
    return root


@pytest.fixture(scope="module")
def store(shards: Path, chosen: Callable[..., prune.Store]) -> prune.Store:
    chosen(str(shards), count=N, name="all")
    return chosen(str(shards), count=17)


def plain(shards: Path) -> dict[str, dict[str, Any]]:
    """What the library yields of all shards, by key."""
    urls = [str(path) for path in sorted(shards.glob("*.tar"))]
    return {sample["__key__"]: sample for sample in wds.WebDataset(urls, shardshuffle=False)}


def test_samples_look_as_the_library_yields_them(shards: Path, store: prune.Store) -> None:
    kept = store.selection().keys.tolist()
    found = list(webdataset(store))
    assert [sample["__key__"] for sample in found] == kept
    whole = plain(shards)
    assert found == [whole[key] for key in kept]
    assert [list(sample) for sample in found] == [list(whole[key]) for key in kept]


def test_of_a_selection_of_everything_all_of_it_comes(shards: Path, store: prune.Store) -> None:
    assert list(webdataset(store, "all")) == list(plain(shards).values())
    assert [s["__key__"] for s in webdataset(store, "all", count=3)] == stream_keys(store, count=3)


def stream_keys(store: prune.Store, **how: Any) -> list[str]:
    return [key for *_, key in stream(store, "all", keys=True, decode=False, **how)]


def test_the_pipeline_of_the_library_goes_on_from_there(store: prune.Store) -> None:
    rows = store.selection().rows
    made = webdataset(store).decode("rgb8").to_tuple("png", "cls").map_tuple(lambda x: int(x[0, 0, 0]), int)
    assert isinstance(made, KeptShards)
    assert list(made) == [(row, row % 3) for row in rows]
    batches = list(webdataset(store).decode("rgb8").to_tuple("png", "cls").batched(5))
    assert [len(labels) for _, labels in batches] == [5, 5, 5, 2]
    assert [len(one) for one in webdataset(store).listed(5, partial=False)] == [5, 5, 5]
    mixed = [sample["__key__"] for sample in webdataset(store).shuffle(100)]
    assert sorted(mixed) == sorted(store.selection().keys.tolist())


def test_batches_of_nothing_are_refused(store: prune.Store) -> None:
    for gather in (webdataset(store).batched, webdataset(store).listed):
        with pytest.raises(OptionError, match="batch_size=0 is below 1"):
            gather(0)


def keys_of(samples: Iterable[Any]) -> list[str]:
    return [sample["__key__"] for sample in samples]


@pytest.mark.parametrize("workers", [0, 2, 4])
@pytest.mark.parametrize("world", [1, 2, 4])
def test_every_kept_sample_once_over_ranks_and_workers(workers: int, world: int, store: prune.Store) -> None:
    seen: list[str] = []
    for rank in range(world):
        source = webdataset(store, shuffle=True, buffer=4, rank=rank, world=world)
        seen += keys_of(DataLoader(source, batch_size=None, num_workers=workers))
    assert sorted(seen) == sorted(store.selection().keys.tolist())


def test_shards_are_shuffled_whole_and_a_buffer_mixes_their_samples(store: prune.Store) -> None:
    def drawn(seed: int, buffer: int = 0, epoch: int = 0) -> list[dict[str, Any]]:
        source = webdataset(store, shuffle=True, seed=seed, buffer=buffer)
        source.set_epoch(epoch)
        return list(source)

    orders = [[sample["__url__"] for sample in drawn(seed)] for seed in range(4)]
    for order in orders:
        assert [url for i, url in enumerate(order) if i == 0 or order[i - 1] != url] == list(
            dict.fromkeys(order)
        )
    assert len(set(map(tuple, orders))) > 1
    assert keys_of(drawn(1, 5)) == keys_of(drawn(1, 5))
    assert keys_of(drawn(1, 5)) != keys_of(drawn(1, 5, epoch=1))
    assert sorted(keys_of(drawn(1, 5))) == sorted(keys_of(drawn(1)))


@pytest.mark.parametrize("buffer", [0, 6])
def test_a_pipeline_goes_on_in_mid_epoch(buffer: int, store: prune.Store) -> None:
    def made() -> Any:
        return webdataset(store, shuffle=True, seed=3, buffer=buffer)

    source = made()
    batches = source.to_tuple("__key__").batched(4)
    going = iter(batches)
    had = [next(going)[0] for _ in range(2)]
    again = made()
    again.load_state_dict(json.loads(json.dumps(batches.state_dict())))
    rest = [keys for (keys,) in again.to_tuple("__key__").batched(4)]
    assert had + rest == [keys for (keys,) in made().to_tuple("__key__").batched(4)]


def test_weights_are_a_member_as_in_an_export(store: prune.Store) -> None:
    assert {sample["weight"] for sample in webdataset(store, weights=True).decode("rgb8")} == {b"1.0"}


def test_a_pickled_pipeline_yields_the_same(store: prune.Store) -> None:
    source = webdataset(store)
    copied = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own object
    assert list(copied) == list(source)


def test_few_bytes_are_read_where_few_samples_are_kept(
    store: prune.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    whole = shard_samples._Shards.read

    def counted(shards: Any, name: str, start: int, size: int) -> bytes:
        read.append(size)
        return whole(shards, name, start, size)

    monkeypatch.setattr(shard_samples._Shards, "read", counted)
    found = list(webdataset(store))
    table = store.dataset.samples.take(store.selection().rows)
    assert len(found) == 17
    assert sum(read) == sum(table["size"].to_pylist())


def test_other_formats_and_changed_shards_are_refused(
    shards: Path, tmp_path: Path, chosen: Callable[..., prune.Store]
) -> None:
    place = tmp_path / "data"
    place.mkdir()
    for path in shards.glob("*.tar"):
        (place / path.name).write_bytes(path.read_bytes())
    own = chosen(str(place), count=31)
    source = webdataset(own)
    going = iter(source)
    next(going)
    last = place / "2.tar"
    data = bytearray(last.read_bytes())
    data[-5000] ^= 1
    last.write_bytes(data)
    with pytest.raises(StoreError, match="stale: 2.tar changed") as caught:
        list(going)
    assert caught.value.hint
    with pytest.raises(StoreError, match="stale"):
        webdataset(own)
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    lines = prune.Store(tmp_path / "other")
    prune.embed(lines, str(tmp_path / "lines"))
    prune.select(lines, method="random", count=1)
    with pytest.raises(OptionError, match="is of format jsonl, not of tar shards") as refused:
        webdataset(lines)
    assert "prune.loaders" in refused.value.hint
