"""Rerun is recovery: an export that failed at any call to the disk ends, run again, in the same bytes."""

from __future__ import annotations

import itertools
import os
import shutil
import sys

import pytest

from prune.core.errors import DataError, OutputError

FAULTS = {
    "kill": "kill",
    "torn": "torn write",
    "power": "power loss",
    "full": "disk full",
    "error": "I/O error once",
}
CUTS = ("lost", "kept", "torn", "some")  # what a power cut does to names and bytes
TABLE = "A fault at every write"
FORMS = {
    "imagefolder": ("imagefolder", "imagefolder", {}),
    "imagefolder --link sym": ("imagefolder", "imagefolder", {"link": "sym"}),
    "imagefolder --link hard": ("imagefolder", "imagefolder", {"link": "hard"}),
    "webdataset --layout mirror": ("webdataset", "webdataset", {}),
    "webdataset --layout repack": ("imagefolder", "webdataset", {"shard_size": 2}),
    "parquet": ("parquet", "parquet", {}),
    "parquet --other-splits link": ("parquet", "parquet", {"other_splits": "link"}),
    "huggingface": ("arrow", "huggingface", {}),
    "jsonl": ("jsonl", "jsonl", {}),
    "jsonl --out FILE": ("jsonl", "jsonl", {}),
    "csv": ("jsonl", "csv", {}),
    "txt": ("jsonl", "txt", {}),
    "dolma": ("jsonl", "dolma", {}),
    "manifest": ("imagefolder", "manifest", {}),
}
ONE_FILE = {"jsonl --out FILE": "out.jsonl.zst"}  # exports that are no folder
BESIDE = {"imagefolder": ["out", "out.prune"]}  # a class root is described from outside
MISSING = {
    "webdataset": 1,
    "imagefolder": 8,
    "jsonl": 12,
}  # changes at which neither is in its place: between two renames
FEW = 5  # changes of each form that are tried in a quick run


@pytest.fixture
def survives(make_job, run, tree, faulty, killed, tmp_path, monkeypatch):
    """Fail an export at some of its changes, run it again, and compare; return how many were tried."""
    monkeypatch.setattr(sys.modules["prune.exporters.imagefolder"], "FILES", 2)

    def every(name: str, fault: str, few: int | None = None) -> int:
        source, form, options = FORMS[name]
        job = make_job(source, [0, 6, 12])
        before = tree(job.reader.root)
        (tmp_path / "make").mkdir()
        called = ONE_FILE.get(name, "out")
        beside = BESIDE.get(form, [called] if called == "out" else [called, f"{called}.prune"])
        counting = faulty()
        run(job, form, tmp_path / "make" / called, **options)
        expected = whole(tree, tmp_path / "make", beside)
        points = list(itertools.product(_points(fault, counting.calls), CUTS if fault == "power" else [""]))
        if few is not None:
            points = points[len(name) % max(1, len(points) // few) :: max(1, len(points) // few)]
        out = tmp_path / "try" / called
        for at, cut in points:
            out.parent.mkdir()
            disk = faulty(fault, at)
            with pytest.raises((killed, OutputError)):
                run(job, form, out, **options)
            if disk.unflushed:
                disk.unflushed.lose(cut, at)
            what = f"{fault} {cut} at change {at} of {len(counting.calls)}: {counting.calls[at - 1]}"
            assert not out.exists() or whole(tree, out.parent, beside) == expected, what
            faulty()
            run(job, form, out, **options)
            assert whole(tree, out.parent, beside) == expected, what
            assert sorted(path.name for path in out.parent.iterdir()) == beside, what
            shutil.rmtree(out.parent)
        assert tree(job.reader.root) == before
        return len(points)

    return every


def whole(tree, folder, names=None):
    """Every file of an export and of what describes it."""
    places = [folder / name for name in names or ("out", "out.prune")]
    trees = {place.name: {"": place.read_bytes()} if place.is_file() else tree(place) for place in places}
    return {(name, path): data for name, found in trees.items() for path, data in found.items()}


def _points(fault, calls):
    unlike = {"kill": {"write", "sync"}, "power": {"write"}}.get(fault, set())
    numbered = [(at, call) for at, call in enumerate(calls, 1) if call not in unlike]
    if fault == "torn":
        return [at for at, call in numbered if call == "write"]
    return [at for at, call in numbered if not (fault == "full" and call.startswith("remove"))]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FORMS)
def test_fails_at_some_calls_and_ends_in_the_same_bytes(name, fault, survives, tally):
    tally(TABLE, f"export --format {name}", FAULTS[fault], survives(name, fault, FEW))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FORMS)
def test_fails_at_each_call_and_ends_in_the_same_bytes(name, fault, survives, tally):
    tally(TABLE, f"export --format {name}", FAULTS[fault], survives(name, fault))


@pytest.mark.parametrize("name", FORMS)
def test_goes_on_where_a_write_takes_less(name, make_job, run, tree, faulty, tmp_path, tally):
    source, form, options = FORMS[name]
    job = make_job(source, [0, 6, 12])
    called = ONE_FILE.get(name, "out")
    counting = faulty()
    run(job, form, tmp_path / "whole" / called, **options)
    faulty("short")
    run(job, form, tmp_path / "short" / called, **options)
    assert tree(tmp_path / "short") == tree(tmp_path / "whole")
    tally(TABLE, f"export --format {name}", "short write", counting.calls.count("write"))


@pytest.mark.parametrize("form", MISSING)
@pytest.mark.parametrize("fault", FAULTS)
def test_replaces_an_earlier_export_whole_or_not_at_all(
    fault, form, make_job, run, tree, faulty, killed, tmp_path, tally
):
    old, new = make_job(form, [0, 1, 7]), make_job(form, [1, 12])
    called = "out.jsonl" if form == "jsonl" else "out"
    beside = [called] if form == "webdataset" else [called, f"{called}.prune"]
    faulty()
    run(old, form, tmp_path / "old" / called)
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    counting = faulty()
    run(new, form, tmp_path / "new" / called, overwrite=True)
    before, after = whole(tree, tmp_path / "old", beside), whole(tree, tmp_path / "new", beside)
    missing, out = set(), tmp_path / "try" / called
    points = list(itertools.product(_points(fault, counting.calls), CUTS if fault == "power" else [""]))
    for at, cut in points:
        out.parent.mkdir()
        faulty()
        run(old, form, out)
        disk = faulty(fault, at)
        with pytest.raises((killed, OutputError)):
            run(new, form, out, overwrite=True)
        if disk.unflushed:
            disk.unflushed.lose(cut, at)
        if not out.exists():
            missing.add(at)
        what = f"{fault} {cut} at change {at}: {counting.calls[at - 1]}"
        assert not out.exists() or whole(tree, out.parent, beside) in (before, after), what
        faulty()
        run(new, form, out, overwrite=True)
        assert whole(tree, out.parent, beside) == after, what
        assert sorted(path.name for path in out.parent.iterdir()) == beside, what
        shutil.rmtree(out.parent)
    assert len(missing) <= MISSING[form] + (fault == "power")
    tally(TABLE, "export --overwrite", FAULTS[fault], len(points))


def test_does_not_redo_finished_parts(make_job, run, faulty, killed, tmp_path):
    job = make_job("imagefolder")
    disk = faulty()
    run(job, "webdataset", tmp_path / "whole", shard_size=1)
    total = len(disk.calls)
    faulty("kill", total * 3 // 4)
    with pytest.raises(killed):
        run(job, "webdataset", tmp_path / "out", shard_size=1)
    again = faulty()
    run(job, "webdataset", tmp_path / "out", shard_size=1)
    assert len(again.calls) < total * 2 // 3


def test_redoes_a_finished_part_that_was_damaged(make_job, run, tree, faulty, killed, tmp_path):
    job = make_job("imagefolder")
    disk = faulty()
    run(job, "webdataset", tmp_path / "whole", shard_size=1)
    faulty("kill", len(disk.calls) * 3 // 4)
    with pytest.raises(killed):
        run(job, "webdataset", tmp_path / "out", shard_size=1)
    shard = tmp_path / ".out.partial" / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes().replace(b"\0", b"\1", 1))
    faulty()
    run(job, "webdataset", tmp_path / "out", shard_size=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_throws_away_what_another_job_left(make_job, run, tree, faulty, killed, tmp_path):
    disk = faulty()
    run(make_job("imagefolder"), "imagefolder", tmp_path / "whole")
    faulty("kill", len(disk.calls) * 3 // 4)
    with pytest.raises(killed):
        run(make_job("imagefolder"), "imagefolder", tmp_path / "out")
    faulty()
    other = make_job("imagefolder", [2, 7])
    run(other, "imagefolder", tmp_path / "other")
    run(other, "imagefolder", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "other")


def test_a_source_that_cannot_be_read_is_not_taken_for_a_broken_output(make_job, run, tmp_path, monkeypatch):
    job = make_job("webdataset", [0, 6, 12])

    def broken(fd: int, size: int, offset: int) -> bytes:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(DataError, match=r"one\.tar cannot be read: input/output error"):
        run(job, "webdataset", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_in_the_place_of_our_own_folder_is_not_followed(make_job, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / ".prune-export").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="in the way"):
        run(make_job("imagefolder"), "imagefolder", tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("form", ["parquet", "huggingface"])
def test_another_split_is_copied_from_one_state_of_it(
    form, make_job, run, tree, faulty, killed, meanwhile, tmp_path
):
    """Nobody scanned it: what was copied before it changed is copied again."""
    job = make_job("parquet")
    test = job.reader.root / "data/test-00000-of-00001.parquet"
    before, other = test.read_bytes(), (job.reader.root / "data/train-00000-of-00002.parquet").read_bytes()
    counting = faulty()
    run(job, form, tmp_path / "before")
    calls = len(counting.calls)
    test.write_bytes(other)
    run(job, form, tmp_path / "after")
    expected = {name: tree(tmp_path / name) for name in ("before", "after")}
    for at in range(1, calls - 8, 3):
        test.write_bytes(before)
        meanwhile({at: lambda: test.write_bytes(other)})
        run(job, form, tmp_path / f"changed{at}")
        assert tree(tmp_path / f"changed{at}") in expected.values(), f"changed at {at}"
        test.write_bytes(before)
        faulty("kill", at)
        with pytest.raises(killed):
            run(job, form, tmp_path / f"killed{at}")
        test.write_bytes(other)
        faulty()
        run(job, form, tmp_path / f"killed{at}")
        assert tree(tmp_path / f"killed{at}") in expected.values(), f"killed at {at}"
