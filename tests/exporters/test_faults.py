"""Rerun is recovery: an export that failed at any call to the disk ends, run again, in the same bytes."""

from __future__ import annotations

import sys

import pytest

from prune.errors import OutputError

CASES = [
    ("kill", "webdataset", "webdataset", {}),
    ("torn", "webdataset", "webdataset", {}),
    ("kill", "imagefolder", "imagefolder", {}),
    ("full", "imagefolder", "imagefolder", {"link": "sym"}),
    ("torn", "imagefolder", "webdataset", {"shard_size": 2}),
    ("torn", "parquet", "parquet", {}),
    ("kill", "arrow", "huggingface", {}),
    ("torn", "imagefolder", "manifest", {}),
]


@pytest.mark.parametrize(("fault", "source", "form", "options"), CASES)
def test_fails_at_each_call_and_ends_in_the_same_bytes(
    fault, source, form, options, make_job, run, tree, faulty, killed, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys.modules["prune.exporters.imagefolder"], "FILES", 2)
    job = make_job(source, [0, 6, 12])
    before = tree(job.reader.root)
    run(job, form, tmp_path / "whole", **options)
    expected = tree(tmp_path / "whole")
    at = 0
    while True:
        at += 1
        out = tmp_path / f"{at}" / "out"
        out.parent.mkdir()
        disk = faulty(fault, at)
        try:
            run(job, form, out, **options)
        except (killed, OutputError):
            pass
        else:
            assert tree(out) == expected
            break
        assert not out.exists() or tree(out) == expected
        faulty()
        run(job, form, out, **options)
        assert tree(out) == expected
        assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert {call.partition("_")[0] for call in disk.calls[at:]} <= {"remove"}  # a full disk lets these pass
    assert at > 20
    assert tree(job.reader.root) == before


@pytest.mark.parametrize("fault", ["kill", "full"])
def test_replaces_an_earlier_export_whole_or_not_at_all(fault, make_job, run, tree, faulty, killed, tmp_path):
    old, new = make_job("webdataset", [0, 1, 2]), make_job("webdataset", [1, 12])
    faulty()
    run(old, "webdataset", tmp_path / "old")
    run(new, "webdataset", tmp_path / "new")
    before, after = tree(tmp_path / "old"), tree(tmp_path / "new")
    missing = 0
    at = 0
    while True:
        at += 1
        out = tmp_path / f"{at}" / "out"
        run(old, "webdataset", out)
        faulty(fault, at)
        try:
            run(new, "webdataset", out, overwrite=True)
        except (killed, OutputError):
            missing += not out.exists()
            assert not out.exists() or tree(out) in (before, after)
        else:
            break
        finally:
            faulty()
        run(new, "webdataset", out, overwrite=True)
        assert tree(out) == after
        assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert missing <= 1


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
    other = make_job("imagefolder", [2, 3])
    run(other, "imagefolder", tmp_path / "other")
    run(other, "imagefolder", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "other")
