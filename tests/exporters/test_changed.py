"""An export vouches for its bytes: a source that changes at any moment is refused, or changed too late."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
from collections.abc import Callable

import pytest

from prune.core.errors import StoreError
from prune.core.progress import Silent

FORMS = {
    "lines": ("jsonl", "jsonl", {}),
    "lines to csv": ("jsonl", "csv", {}),
    "mirror": ("webdataset", "webdataset", {}),
    "repack": ("webdataset", "webdataset", {"layout": "repack", "shard_size": 3}),
    "parquet": ("parquet", "parquet", {}),
    "parquet to arrow": ("parquet", "huggingface", {}),
    "arrow": ("arrow", "huggingface", {"other_splits": "link"}),
    "arrow to tar": ("arrow", "webdataset", {}),
    "arrays": ("arrays", "webdataset", {"shard_size": 3}),
    "arrays to folder": ("arrays", "imagefolder", {}),
}


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(sys.modules["prune.exporters.imagefolder"], "FILES", 2)
    for size in ("_PART_ROWS", "_PART_BYTES"):
        monkeypatch.setattr(sys.modules["prune.exporters.shard_layout"], size, 1)
    monkeypatch.setattr(sys.modules["prune.exporters.webdataset"], "_COPIERS", 1)  # one part after the other
    monkeypatch.setattr(sys.modules["prune.exporters.lines.write"], "_PART_ROWS", 1)


@pytest.fixture
def moments(small_parts, make_job, run, tree, faulty, tmp_path):
    """The job, its words, what is expected, and the number of changes to the disk that it makes."""

    def measure(form: str):
        source, name, options = FORMS[form]
        job = make_job(source)
        counting = faulty()
        run(job, name, tmp_path / "whole", **options)
        return source, job, (name, tmp_path / "try" / "out", options), len(counting.calls)

    return measure


def failure(run: Callable[[], object]) -> StoreError | None:
    """Say how it failed, if it did."""
    try:
        run()
    except StoreError as error:
        return error
    return None


def some(calls: int) -> range:
    """Moments to try: near twenty of them, and the last ones."""
    return range(1, calls + 1, max(1, calls // 20))


@pytest.mark.parametrize("form", FORMS)
def test_other_labels_at_some_moment(form, moments, make_job, run, tree, meanwhile, relabel, tmp_path):
    source, job, (name, out, options), calls = moments(form)
    expected, refused = tree(tmp_path / "whole"), 0
    root, changed = job.reader.root, []
    for at in some(calls):
        job = make_job(source)
        kept = shutil.copytree(job.reader.root, tmp_path / "kept")
        out.parent.mkdir()
        meanwhile({at: lambda: changed.append(relabel(source, root).relative_to(root))})
        error = failure(lambda job=job: run(job, name, out, **options))
        if error:
            refused += 1
            assert f"stale: {changed.pop()} changed while it was read" == str(error)
        assert not out.exists() if error else tree(out) == expected, f"changed at {at} of {calls}"
        shutil.rmtree(job.reader.root)
        kept.rename(job.reader.root)
        meanwhile({})
        run(make_job(source), name, out, **options)
        assert tree(out) == expected, f"changed at {at} of {calls}, and run again"
        shutil.rmtree(out.parent)
    assert refused > 4


@pytest.mark.parametrize("form", FORMS)
def test_a_touch_changes_nothing(form, moments, run, tree, meanwhile, tmp_path):
    _, job, (name, out, options), calls = moments(form)

    def touch() -> None:
        for path in job.reader.root.rglob("*.*"):
            os.utime(path, ns=(at, at))

    for at in some(calls):
        out.parent.mkdir()
        meanwhile({at: touch})
        run(job, name, out, **options)
        assert tree(out) == tree(tmp_path / "whole"), f"touched at {at} of {calls}"
        shutil.rmtree(out.parent)


@pytest.mark.parametrize("form", ["mirror", "parquet", "arrow", "lines"])
def test_what_was_copied_from_a_change_that_was_undone_is_not_kept(
    form, moments, run, tree, meanwhile, relabel, tmp_path
):
    source, job, (name, out, options), calls = moments(form)
    path = relabel(source, shutil.copytree(job.reader.root, tmp_path / "other"))
    place = job.reader.root / path.relative_to(tmp_path / "other")
    true, false = place.with_suffix(".true"), place.with_suffix(".false")
    for at in some(calls - 3):
        out.parent.mkdir()
        true.hardlink_to(place)
        shutil.copy(path, false)
        meanwhile({at: lambda: false.rename(place), at + 3: lambda: true.rename(place)})
        with contextlib.suppress(StoreError):
            run(job, name, out, **options)
        if true.exists():
            true.rename(place)
        meanwhile({})
        run(job, name, out, **options)
        assert tree(out) == tree(tmp_path / "whole"), f"changed at {at} of {calls}"
        shutil.rmtree(out.parent)


class Between(Silent):
    """Lets something happen when the first part is done."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.actions = [action]

    @contextlib.contextmanager
    def stage(self, *_words):
        yield lambda _: self.actions and self.actions.pop()()


def test_parts_from_before_the_change_are_kept(small_parts, make_job, run, tree, relabel, tmp_path):
    job = make_job("webdataset")
    run(job, "webdataset", tmp_path / "whole")
    data = {path: path.read_bytes() for path in job.reader.root.rglob("*.tar")}
    job = dataclasses.replace(job, reporter=Between(lambda: relabel("webdataset", job.reader.root)))
    with pytest.raises(StoreError, match=r"stale: b/one\.tar changed") as told:
        run(job, "webdataset", tmp_path / "out")
    assert told.value.exit_code == 4
    copied = tmp_path / ".out.partial/a/one.tar"
    before = copied.stat().st_ino
    assert len(list((tmp_path / ".out.partial/.prune-export/parts").iterdir())) == 1
    for path, held in data.items():
        path.write_bytes(held)
    run(job, "webdataset", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert (tmp_path / "out/a/one.tar").stat().st_ino == before


def test_a_shard_that_goes_is_said_to_be_missing(small_parts, make_job, run, tmp_path):
    job = make_job("webdataset")
    gone = job.reader.root / "a/one.tar"  # it was read already
    job = dataclasses.replace(job, reporter=Between(gone.unlink))
    with pytest.raises(StoreError, match=r"stale: a/one\.tar is missing"):
        run(job, "webdataset", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_change_within_one_tick_of_the_clock(small_parts, make_job, run, monkeypatch, tmp_path):
    """Same size, times and inode: the scan says that it could not tell, and the content is compared."""
    real = os.stat
    first = make_job("webdataset")
    path = first.reader.root / "b/one.tar"
    frozen = real(path)
    monkeypatch.setattr(os, "stat", lambda p, *w, **o: frozen if str(p) == str(path) else real(p, *w, **o))
    monkeypatch.setattr("prune.readers.source_watch.time.time_ns", lambda: frozen.st_ctime_ns + 1_000_000)
    job = make_job("webdataset")
    path.write_bytes(path.read_bytes().replace(b'{"i": 6}', b'{"i": 9}'))
    with pytest.raises(StoreError, match=r"stale: b/one\.tar changed"):
        run(job, "webdataset", tmp_path / "out")


def test_class_names_that_change(make_job, run, tree, tmp_path):
    names = make_job("webdataset").reader.root / "classnames.txt"
    names.write_text("cat\ndog\n")
    job = make_job("webdataset")
    for action in (lambda: names.write_text("dog\ncat\n"), names.unlink):
        with pytest.raises(StoreError, match="stale: the classes in .* changed while it was read"):
            run(dataclasses.replace(job, reporter=Between(action)), "webdataset", tmp_path / "out")
        assert not (tmp_path / "out").exists()
        names.write_text("cat\ndog\n")
    run(dataclasses.replace(job, reporter=Between(names.touch)), "webdataset", tmp_path / "out")
    assert (tmp_path / "out/classnames.txt").read_text() == "cat\ndog\n"


@pytest.mark.parametrize("link", ["copy", "hard"])
def test_an_image_that_is_replaced(link, small_parts, make_job, run, tree, meanwhile, png, tmp_path):
    job = make_job("imagefolder")
    path = job.reader.root / "cat/01.png"
    true, false = path.with_suffix(".true"), path.with_suffix(".false")
    calls = meanwhile({}).calls
    run(job, "imagefolder", tmp_path / "whole", link=link)
    expected = tree(tmp_path / "whole")
    for at in range(1, len(calls) + 1):
        out = tmp_path / f"out{at}"
        true.hardlink_to(path)
        false.write_bytes(png(3))
        meanwhile({at: lambda: false.rename(path)})
        error = failure(lambda out=out: run(job, "imagefolder", out, link=link))
        assert not out.exists() if error else tree(out) == expected, f"changed at {at} of {len(calls)}"
        true.rename(path)
