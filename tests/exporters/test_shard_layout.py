"""Shards written together, and groups of them by several threads: the bytes are those of one thread."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import StoreError
from prune.exporters import apart
from prune.exporters.shard_layout import grouped, laid_out

LAYOUT, WRITER = (sys.modules[f"prune.exporters.{name}"] for name in ("shard_layout", "webdataset"))


@pytest.fixture
def job(make_job: Any) -> Any:
    return make_job("webdataset")


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shard is a group, and three threads write."""
    monkeypatch.setattr(LAYOUT, "_PART_BYTES", 1)
    monkeypatch.setattr(WRITER, "core_count", lambda: 3)


@pytest.mark.parametrize("options", [{"layout": "mirror"}, {"layout": "repack", "shard_size": 1}])
def test_the_same_bytes_by_any_number_of_threads(
    options: Any, job: Any, run: Any, tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(job, "webdataset", tmp_path / "one", **options)
    used = set()
    copying = WRITER.copy_samples

    def seen(*given: Any, ahead: bool) -> None:
        used.add((threading.current_thread() is threading.main_thread(), ahead))
        copying(*given, ahead=ahead)

    monkeypatch.setattr(WRITER, "copy_samples", seen)
    monkeypatch.setattr(LAYOUT, "_PART_BYTES", 1)
    for cores, expected in ((1, (True, True)), (3, (False, False))):
        monkeypatch.setattr(WRITER, "core_count", lambda cores=cores: cores)
        used.clear()
        run(replace(job), "webdataset", tmp_path / f"by {cores}", **options)
        assert used == {expected}
        assert tree(tmp_path / f"by {cores}") == tree(tmp_path / "one")


def test_a_shard_that_is_cut_short_ends_all_and_what_is_finished_stays(
    several: None, make_job: Any, run: Any, tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job("webdataset")
    run(job, "webdataset", tmp_path / "whole", layout="mirror")
    root = Path(job.reader.root)
    shard = root / "b/one.tar"
    data, last = shard.read_bytes(), WRITER.copy_samples

    def cut(job: Any, rows: Any, out: Any, *, ahead: bool) -> None:
        if rows[0] == 6:
            shard.write_bytes(data[:1024])
        last(job, rows, out, ahead=ahead)

    monkeypatch.setattr(WRITER, "copy_samples", cut)
    with pytest.raises(StoreError, match="stale: b/one.tar changed"):
        run(job, "webdataset", tmp_path / "out", layout="mirror")
    assert not (tmp_path / "out").exists()
    shard.write_bytes(data)
    written = []

    def again(job: Any, rows: Any, out: Any, *, ahead: bool) -> None:
        written.append(int(rows[0]))
        last(job, rows, out, ahead=ahead)

    monkeypatch.setattr(WRITER, "copy_samples", again)
    run(job, "webdataset", tmp_path / "out", layout="mirror")
    assert 6 in written
    assert int(job.rows[0]) not in written
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_killed_export_goes_on_with_groups_of_another_size(
    job: Any, run: Any, tree: Any, faulty: Any, killed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"layout": "repack", "shard_size": 2}
    run(job, "webdataset", tmp_path / "whole", **options)
    monkeypatch.setattr(WRITER, "core_count", lambda: 1)
    for first, then in ((1, 1 << 30), (1 << 30, 1), (2000, 3000)):
        monkeypatch.setattr(LAYOUT, "_PART_BYTES", first)
        counting = faulty()
        run(replace(job), "webdataset", tmp_path / "counted" / str(first), **options)
        faulty("kill", len(counting.calls) // 2)
        out = tmp_path / f"out {first}"
        with pytest.raises(killed):
            run(replace(job), "webdataset", out, **options)
        faulty()
        monkeypatch.setattr(LAYOUT, "_PART_BYTES", then)
        run(replace(job), "webdataset", out, **options)
        assert tree(out) == tree(tmp_path / "whole")


def test_groups_are_whole_and_in_order_and_as_large_as_they_may_be(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards, _ = laid_out(job, "repack", 1)
    size = dict(zip(shards, job.column("size").to_pylist(), strict=True))
    for most in (1, 5000, 1 << 30):
        job.memo.pop("grouped", None)
        monkeypatch.setattr(LAYOUT, "_PART_BYTES", most)
        groups = list(grouped(job, shards).values())
        assert [name for names in groups for name in names] == list(shards)
        for names in groups[:-1]:
            assert sum(size[name] for name in names) >= most
            assert sum(size[name] for name in names[:-1]) < most
        assert len(grouped(job, shards)) == len(groups)


def test_what_is_made_anew_is_written_by_one_thread(
    several: None, make_job: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, writing = set(), WRITER.write_samples

    def seen(*given: Any) -> None:
        used.add(threading.current_thread())
        writing(*given)

    monkeypatch.setattr(WRITER, "write_samples", seen)
    monkeypatch.setattr(LAYOUT, "_PART_ROWS", 1)
    run(make_job("imagefolder"), "webdataset", tmp_path / "out", shard_size=1)
    assert used == {threading.main_thread()}


class Folder:
    """Nothing is finished yet."""

    def done(self, _: str) -> bool:
        return False


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_parts_come_in_their_order_whichever_is_written_first(threads: int) -> None:
    names, late = [str(number) for number in range(9)], threading.Event()

    def write(name: str) -> None:
        if threads > 1 and name == "0":
            assert late.wait(30)  # the first is done when the second is
        if name == "1":
            late.set()

    job: Any = type("Job", (), {"apart": None})
    folder: Any = Folder()
    assert list(apart.write_parts(job, folder, names, write, threads=threads)) == names


def test_an_error_is_that_of_the_first_part_and_nothing_more_is_begun() -> None:
    begun = []

    def write(name: str) -> None:
        begun.append(name)
        if name in {"1", "2"}:
            raise ValueError(name)

    job: Any = type("Job", (), {"apart": None})
    folder: Any = Folder()
    names = [str(number) for number in range(50)]
    with pytest.raises(ValueError, match="1"):
        list(apart.write_parts(job, folder, names, write, threads=2))
    assert len(begun) <= 6
