"""Parts of embeddings and of exports made by processes side by side: the bytes of one, whatever dies."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import prune
from prune.core.errors import DamagedError, DataError, OutputError, RejectsError, StoreError
from prune.core.progress import Silent
from prune.exporters.apart import write_parts
from prune.exporters.job import Listed
from prune.exporters.staging.folder import StagingFolder
from prune.steps import embedding_units, export_units, unit_executor
from prune.store import Store
from prune.system import files
from prune.system.executors.executor import BlockLostError

ROOMY = 2**40  # bytes of memory: how many processes there are depends on no machine
TEXTS, LINES = 8_400, 90  # exports write groups of at least 4,096 samples: two groups and a bit


class Told(Silent):
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@contextlib.contextmanager
def one_worker_killed() -> Iterator[None]:
    """Kill the first worker process that is there, as `kill -9` does."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.01):
            for process in multiprocessing.active_children():
                with contextlib.suppress(ProcessLookupError, ValueError, TypeError):
                    os.kill(process.pid, signal.SIGKILL)
                    return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts with an embedding in parts of 16 rows, more texts with an export: made by this process alone."""
    home = tmp_path_factory.mktemp("units")
    for name, count in (("few", LINES), ("many", TEXTS)):
        texts = (f"a {['good', 'bad', 'fair'][i % 3]} text, number {i} of them" for i in range(count))
        (home / f"{name}.jsonl").write_text("".join(f"{json.dumps({'text': text})}\n" for text in texts))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(Store.write_column.__kwdefaults__, "part_rows", 16)
        prune.embed(home / "embedded", str(home / "few.jsonl"))
    prune.score(home / "store", str(home / "many.jsonl"), types=["length"])
    prune.select(home / "store", method="random", count=TEXTS - 5)
    prune.export(home / "store", format="webdataset", out=home / "out", options=["shard_size=2000"])
    return home


def column(store: Path) -> dict[str, bytes]:
    return contents(store / "columns" / "embedding.ngrams")


def test_a_column_by_four_processes_of_which_one_is_killed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Store.write_column.__kwdefaults__, "part_rows", 16)
    told = Told()
    with one_worker_killed():
        settings = prune.Settings(workers=4, device="cpu", reporter=told, memory=ROOMY)
        made = prune.embed(tmp_path / "store", str(home / "few.jsonl"), settings=settings)
    assert made["shape"][0] == LINES
    assert column(tmp_path / "store") == column(home / "embedded")
    assert any("4 processes encode 6 parts side by side, in about" in words for words in told.said)
    (again,) = [words for words in told.said if "killed by signal 9" in words]
    assert again.startswith("a worker process was killed by signal 9; another one does part ")
    assert again.endswith(" of embedding.ngrams again")
    assert multiprocessing.active_children() == []


def test_an_export_by_processes_of_which_one_is_killed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_units, "_WORTH", 1)
    told = Told()
    with one_worker_killed():
        settings = prune.Settings(workers=2, reporter=told, memory=ROOMY)
        words = {"format": "webdataset", "options": ["shard_size=2000"], "settings": settings}
        prune.export(home / "store", out=tmp_path / "out", **words)
    assert contents(tmp_path / "out") == contents(home / "out")
    assert any("2 processes write 2 parts side by side" in words for words in told.said)
    again = r"does shard-00000[03]\.tar( to shard-\d+\.tar)? again$"  # whichever process was there first
    assert any(re.search(again, words) for words in told.said)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_small_exports_start_no_process(home: Path, tmp_path: Path) -> None:
    told = Told()
    settings = prune.Settings(workers=2, reporter=told)
    words = {"format": "webdataset", "options": ["shard_size=2000"], "settings": settings}
    prune.export(home / "store", out=tmp_path / "out", **words)
    assert contents(tmp_path / "out") == contents(home / "out")
    assert not any("processes" in words for words in told.said)


@pytest.fixture
def spec(home: Path) -> str:
    """What is said to who makes parts of the column of the store."""
    (recipe,) = (home / "embedded" / "columns" / "embedding.ngrams").glob("*/recipe.json")
    known = json.loads(recipe.read_text())
    how = {"name": "ngrams", "weights": None, "device": "cpu", "seed": 0, "learns_from": known["dataset"]}
    where = {"data": str(home / "few.jsonl"), "reading": {}, "settled": True}
    column_ = {"column": "embedding.ngrams", "recipe": known, "part_rows": 16, "dtype": "float16"}
    of = {"store": str(home / "embedded"), "dataset": known["dataset"], "decoding": [40_000_000, 16]}
    return json.dumps({"location": where, "encoder": how, **column_, **of})


def test_a_unit_done_again_is_the_same_bytes_and_done_once_if_it_is_there(
    home: Path, tmp_path: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "embedded", tmp_path / "s")
    spec = json.dumps({**json.loads(spec), "store": str(tmp_path / "s")})
    (part,) = (tmp_path / "s" / "columns" / "embedding.ngrams").glob("*/part-00002-*")
    before = part.read_bytes()
    part.write_bytes(b"damaged")
    assert embedding_units.encode_part(spec, 2) == part.name
    assert part.read_bytes() == before
    monkeypatch.setattr(embedding_units, "encode_dataset", None)  # there is nothing to do
    assert embedding_units.encode_part(spec, 2) == part.name
    assert len(spec) < 2000


def test_a_unit_of_a_share_is_written_again_where_another_run_tidied_up(
    home: Path, tmp_path: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "embedded", tmp_path / "s")
    spec = json.dumps({**json.loads(spec), "store": str(tmp_path / "s")})
    (part,) = (tmp_path / "s" / "columns" / "embedding.ngrams").glob("*/part-00001-*")
    before, real, swept = part.read_bytes(), files.disk.rename, []
    part.unlink()

    def rename(old: Path, new: Path) -> None:
        if not swept:
            swept.append(old)
            files.sweep(tmp_path / "s")
        real(old, new)

    monkeypatch.setattr(files.disk, "rename", rename)
    assert embedding_units.encode_part(spec, 1) == part.name
    assert swept
    assert part.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "0" * 64}, "is not here, or holds another dataset"),
        (
            {"recipe": {"encoder": "ngrams", "seed": 4}},
            "of the encoder ngrams is not the same on all machines",
        ),
    ],
)
def test_a_place_that_does_not_see_the_same_says_so(spec: str, change: dict[str, object], said: str) -> None:
    with pytest.raises(StoreError, match=said) as caught:
        embedding_units.encode_part(json.dumps(json.loads(spec) | change), 0)
    assert "all machines" in caught.value.hint


def test_an_error_of_a_worker_is_that_of_the_command(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Store.write_column.__kwdefaults__, "part_rows", 16)
    real = embedding_units._described
    described = lambda *words: {**real(*words), "dataset": "0" * 64}  # noqa: E731
    monkeypatch.setattr(embedding_units, "_described", described)
    settings = prune.Settings(workers=2, device="cpu", memory=ROOMY)
    with pytest.raises(StoreError, match="holds another dataset") as caught:
        prune.embed(tmp_path / "s", str(home / "few.jsonl"), settings=settings)
    assert "all machines" in caught.value.hint
    assert multiprocessing.active_children() == []


def test_half_a_file_of_a_worker_that_died_is_not_in_the_export(tmp_path: Path) -> None:
    folder = StagingFolder(tmp_path / "out", "identity")

    def apart(*_: object) -> Iterator[Listed]:
        folder.path.mkdir()
        files.NewFile(folder.path).write(b"half")  # whoever wrote it was killed
        (folder.path / "a.tar").write_bytes(b"1234")
        yield {"a.tar": {"size": 4, "sha256": "x"}}

    job = SimpleNamespace(apart=apart)
    assert list(write_parts(job, folder, ["a.tar"], print)) == ["a.tar"]  # type: ignore[arg-type]
    assert [path.name for path in folder.path.iterdir()] == ["a.tar"]


def test_a_part_that_is_written_elsewhere_is_missed(home: Path, tmp_path: Path) -> None:
    folder = StagingFolder(tmp_path / "out", "identity")
    folder.path.mkdir()
    (folder.path / "a.tar").write_bytes(b"1234")
    folder.take({"a.tar": {"size": 4, "sha256": "x"}})
    with pytest.raises(OutputError, match="b.tar was written elsewhere, and is not in"):
        folder.take({"b.tar": {"size": 4, "sha256": "x"}})


def test_what_kills_every_worker_is_named() -> None:
    class Lost:
        def each(self, work, common, blocks, *, name):  # type: ignore[no-untyped-def]
            yield 1
            raise BlockLostError(1, 2)

    found = unit_executor.run_units(Lost(), print, "", [3, 5], name="part {}".format)  # type: ignore[arg-type]
    assert next(found) == 1
    with pytest.raises(DataError, match="part 5 was lost 2 times") as caught:
        next(found)
    assert "--workers 0" in caught.value.hint


def test_fewer_processes_where_memory_is_short() -> None:
    settings = prune.Settings(workers=4, memory=2**30)
    assert unit_executor.executor_for(settings, "encode", 9, memory=2**30) is None
    told = Told()
    settings = prune.Settings(workers=4, memory=2**30, reporter=told)
    assert unit_executor.executor_for(settings, "encode", 9, memory=2**29) is not None
    assert told.said == ["2 processes encode 9 parts side by side, in about 1.07 GB of memory"]


@pytest.mark.parametrize(
    "error",
    [
        StoreError("what", "do"),
        DamagedError("what", Path("s"), "x"),
        RejectsError("what", [("key", "why")], "do"),
    ],
)
def test_errors_travel_whole(error: StoreError) -> None:
    import pickle

    found = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))
