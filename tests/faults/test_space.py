"""A long run that will not fit on the disk stops before it begins, and says how much it needs."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import OutputError
from prune.proxy.small_networks import mlp
from prune.store import Store
from prune.system.disk_space import require_room
from prune.trace import TraceWriter

TRAINING = {"proxy": "mlp", "epochs": 2, "size": 8}
USAGE = namedtuple("USAGE", "total used free")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the disk have so many bytes left."""

    def leave(count: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: USAGE(10**12, 10**12 - count, count))

    return leave


def _made(store: Path) -> set[str]:
    return {path.name for path in store.rglob("part-*")}


@pytest.mark.parametrize(
    ("verb", "enough"),
    [
        ("embed", 40 * 3 * 1024 * 2),  # pixels of 32 × 32, in float16
        ("score", 40 * 3 * 8 * 8),  # the images; the weights of the proxy need more than that
        ("export", 40_000),
    ],
)
def test_a_verb_that_will_not_fit_has_written_nothing(
    verb: str, enough: int, images: Path, tmp_path: Path, free: Callable[[int], None]
) -> None:
    store = tmp_path / "store"
    words: dict[str, Any] = {"training": TRAINING, "types": ["el2n"]}
    verbs: dict[str, Callable[[], Any]] = {
        "embed": lambda: pipeline.embed(store, str(images), encoder="pixels"),
        "score": lambda: pipeline.score(store, str(images), **words),
        "export": lambda: pipeline.export(store, format="webdataset", out=tmp_path / "out"),
    }
    if verb == "export":
        verbs["embed"]()
        pipeline.select(store, method="kcenter", fraction="1")
    before = _made(store)
    free(min(enough - 1, 1000))
    with pytest.raises(OutputError, match=r"needs about \d.* [kM]?B, .* free") as caught:
        verbs[verb]()
    assert caught.value.hint.startswith("free some space, or choose another place with --")
    assert _made(store) == before
    assert not (tmp_path / "out").exists()
    free(10**9)
    verbs[verb]()


def test_a_training_counts_its_trace_its_weights_and_its_results(
    images: Path, tmp_path: Path, free: Callable[[int], None]
) -> None:
    store, words = tmp_path / "store", {"training": {**TRAINING, "epochs": 4}, "types": ["el2n"]}
    weights = 4 * sum(p.numel() for p in mlp(8, 2).parameters())
    trace, results = 4 * 9 * 40 * 2, 40 * (256 + 2) * 2
    needed = trace + results + weights * (4 + 4)  # of every epoch, and two checkpoints
    free(needed - 1)
    with pytest.raises(OutputError, match="needs about"):
        pipeline.score(store, str(images), **words)
    assert not [path for path in store.rglob("part-*") if "trace.0" in str(path)]
    free(needed)
    pipeline.score(store, str(images), **words)
    free(0)  # all is there: nothing is needed
    pipeline.score(store, str(images), **words)


def test_what_is_there_already_is_not_counted(
    images: Path, tmp_path: Path, free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store.write_column, "__kwdefaults__", {"part_rows": 16})
    store = tmp_path / "store"
    pipeline.embed(store, str(images), encoder="pixels")
    column = Store(store).column("embedding.pixels")
    (last,) = column.folder.glob("part-00002-*")  # eight rows
    size = 8 * column.shape[1] * 2
    last.unlink()
    (column.folder / "column.json").unlink()
    free(size - 1)
    with pytest.raises(OutputError, match="needs about"):
        pipeline.embed(store, str(images), encoder="pixels")
    free(size)
    pipeline.embed(store, str(images), encoder="pixels")


def test_ones_own_training_is_looked_at_before(tmp_path: Path, free: Callable[[int], None]) -> None:
    words: dict[str, Any] = {"keys": [str(row) for row in range(100)], "labels": [0, 1] * 50, "epochs": 10}
    free(100 * 9 * 2 * 10)
    with pytest.raises(OutputError, match="needs about 19.6 kB, 18 kB are free"):
        TraceWriter(tmp_path / "a", **words)
    free(10**6)
    TraceWriter(tmp_path / "b", **words)


def test_a_place_that_is_not_there_yet_is_looked_at_from_above(tmp_path: Path) -> None:
    require_room(tmp_path / "a" / "b" / "c", 1)
    with pytest.raises(OutputError, match=r"a/b/c needs about 1e\+06 TB, .* are free"):
        require_room(tmp_path / "a" / "b" / "c", 10**18)


def test_a_disk_that_does_not_tell_its_size_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: USAGE(0, 0, 0))
    require_room(tmp_path, 10**18)
