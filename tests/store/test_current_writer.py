"""Who writes to a store now: told from a command that was killed, and not taken for rubbish."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import StoreError
from prune.steps.report.status import status
from prune.store import Store, noted
from prune.store.current_writer import current_writer
from prune.system import locks

BEGUN = "prune select --method random --fraction 0.5"


@pytest.fixture
def made(images: Path, elsewhere: Path) -> Store:
    """A store with features, and what a selection has written so far."""
    pipeline.embed("store", str(images), encoder="pixels")
    half = Path("store/selections/.random.new")
    half.mkdir(parents=True)
    (half / "keys.txt").write_text("left/000.png\n")
    return Store("store")


@contextlib.contextmanager
def at_work(store: Store) -> Iterator[None]:
    with store.writing(), noted(store.path, "select", BEGUN):
        yield


def test_what_a_running_command_writes_is_not_removable(made: Store) -> None:
    assert status(made)["unused"] > 0  # of one that was killed: nobody is there
    with at_work(made):
        told = status(made)
        assert told["running"]["verb"] == "select"
        assert told["running"]["pid"] == os.getpid()
        assert (told["unused"], told["begun"]) == (0, {})
        tried = pipeline.gc("store", dry_run=True, unfinished=True)
        assert tried["removed"] == []
        assert [Path(piece["path"]).name for piece in tried["kept"]] == [".random.new"]
        assert tried["running"] == told["running"]
        with pytest.raises(StoreError, match=rf"in use by pid {os.getpid()} on .* \(prune select\)"):
            pipeline.gc("store", unfinished=True)
    assert status(made)["running"] is None
    assert [Path(p["path"]).name for p in pipeline.gc("store")["removed"]] == [".random.new"]


def test_a_command_that_was_killed_does_not_run(made: Store) -> None:
    class Gone(BaseException):
        """As a kill: nothing is written any more."""

    with pytest.raises(Gone), at_work(made):
        raise Gone
    told = status(made)
    assert told["running"] is None
    assert told["begun"] == {"select": BEGUN}
    with made.writing():  # another one, that did not say what it is
        told = status(made)
        assert told["running"]["verb"] is None
        assert told["begun"] == {"select": BEGUN}


def test_status_says_what_runs(made: Store, prune: Callable[..., Any]) -> None:
    with at_work(made):
        said = prune("status", "--store", "store")
    assert f"running: prune select (pid {os.getpid()} on " in said.out
    assert "unfinished" not in said.out
    assert "prune gc" not in said.out


def test_without_a_mark_it_is_another_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert current_writer(store.path) is None
    with store.writing():
        (store.path / "lock").write_bytes(b"")
        assert str(current_writer(store.path)) == "another process"
    assert current_writer(store.path) is None


def test_who_only_looks_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open() as looking, path.open() as writing:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(locks.time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        locks.take(writing.fileno(), path, lambda: b"", None)
        assert locks.is_held(path)
