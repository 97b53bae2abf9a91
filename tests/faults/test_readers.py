"""Readers beside a writer see what was finished; a lock is what the kernel holds, whatever its file says."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import StoreError
from prune.steps import export as exporting
from prune.steps.report.status import status
from prune.steps.settings import Settings
from prune.store import Store, read_selection
from prune.system import files

TABLE = "Two at once"
NOT_SHOWN = {"bytes", "unused", "unfinished", "progress", "begun", "running"}  # these tell of the writer

pytestmark = pytest.mark.usefixtures("small_parts")


def embed(home: Path, data: Path, **settings: Any) -> Any:
    return pipeline.embed(
        home / "store", str(data / "images"), encoder="pixels", settings=Settings(**settings)
    )


def embed_anew(home: Path, data: Path) -> Any:
    """Put other numbers in the place of those that are there."""
    return pipeline.embed(home / "store", str(data / "images"), encoder="pixels", dtype="float32")


def score(home: Path, data: Path) -> Any:
    training = {"proxy": "mlp", "epochs": 2, "size": 8}
    return pipeline.score(home / "store", str(data / "images"), types=["el2n"], training=training)


def select(home: Path, data: Path, fraction: str = "0.6") -> Any:
    return pipeline.select(home / "store", method="kcenter", fraction=fraction, on="pixels")


def export(home: Path) -> Any:
    return pipeline.export(home / "store", format="webdataset", out=home / "out")


@pytest.fixture
def begin(sources: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return a home of some name with an embedding and a selection."""

    def make(name: str) -> Path:
        home = tmp_path / name
        embed(home, sources)
        select(home, sources, "0.3")
        return home

    return make


class Meanwhile(files.Disk):
    """A disk on which something else happens in the midst of a command: before its third rename."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self.renames, self._happens = 0, happens

    def rename(self, old: Path, new: Path) -> None:
        self.renames += 1
        if self.renames == 3:
            self._happens()
        super().rename(old, new)


def exported(home: Path) -> Any:
    export(home)
    found = {
        path.relative_to(home): path.read_bytes() for path in (home / "out").rglob("*") if path.is_file()
    }
    shutil.rmtree(home / "out")
    return found


def described(home: Path) -> Any:
    """What is finished; `status` also tells how far the rest is, which changes while a command writes."""
    about = status(Store(home / "store"))
    return {name: value for name, value in about.items() if name not in NOT_SHOWN}


@pytest.mark.parametrize("reader", [exported, described])
@pytest.mark.parametrize("write", [embed_anew, score, select])
def test_readers_see_what_was_finished_while_another_command_writes(
    begin: Any, sources: Path, reader: Any, write: Any, monkeypatch: Any, tally: Any
) -> None:
    home, seen = begin("home"), []
    expected = reader(home)
    disk = Meanwhile(lambda: seen.append(reader(home)))
    with monkeypatch.context() as patched:
        patched.setattr(files, "disk", disk)
        write(home, sources)
    assert seen == [expected]
    tally(TABLE, f"a reader beside {write.__name__}", "with locks")


def test_a_store_made_again_while_it_is_exported_is_refused(
    sources: Path, tmp_path: Path, monkeypatch: Any, tally: Any
) -> None:
    home, data = tmp_path / "home", tmp_path / "sources"
    shutil.copytree(sources, data)
    embed(home, data)
    select(home, data)
    reopened = exporting.reopened

    def late(*words: Any) -> Any:
        next((data / "images" / "left").iterdir()).unlink()
        embed(home, data, refresh=True)
        return reopened(*words)

    monkeypatch.setattr(exporting, "reopened", late)
    with pytest.raises(StoreError, match="changed since the selection 'kcenter' was chosen"):
        export(home)
    assert not (home / "out").exists()
    tally(TABLE, "export + embed --refresh", "with locks")


def test_a_selection_replaced_while_it_is_read_is_never_a_mix(begin: Any, sources: Path, tally: Any) -> None:
    home = begin("home")
    chosen = read_selection(Store(home / "store"))
    rows = chosen.rows
    select(home, sources)
    with pytest.raises(StoreError, match="missing or damaged"):
        _ = chosen.manifest
    assert len(read_selection(Store(home / "store")).rows) == 2 * len(rows)
    tally(TABLE, "a reader beside select", "with locks")


@pytest.mark.parametrize("left", ["", "no host and pid at all", "host 1\n", "\0\xff" * 500])
def test_what_a_lock_file_holds_means_nothing(begin: Any, sources: Path, left: str, tally: Any) -> None:
    home = begin("home")
    (home / "store" / "lock").write_text(left)
    select(home, sources)
    tally(TABLE, "a lock file that was left", "with locks")


HOLDER = """
import sys, time
from prune.system import files
from prune.store import Store
with Store(sys.argv[1]).writing():
    with files.new_file(Store(sys.argv[1]).path) as out:
        out.write(b"half")
        print("held", flush=True)
        time.sleep(600)
"""


def test_a_killed_holder_blocks_nobody(begin: Any, sources: Path, tally: Any) -> None:
    home = begin("home")
    command = [sys.executable, "-c", HOLDER, str(home / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"in use by pid {holder.pid} on "):
            select(home, sources)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        select(home, sources)
    assert list(home.rglob("*.tmp")) == []
    tally(TABLE, "a killed holder", "with locks")


def test_a_store_that_is_moved_away_while_waiting_is_begun_again(
    sources: Path, tmp_path: Path, tally: Any
) -> None:
    home = tmp_path / "home"
    with Store(home / "store").writing():
        second = threading.Thread(target=embed, args=(home, sources), kwargs={"wait": True})
        second.start()
        time.sleep(0.5)
        (home / "store").rename(home / "old")
    second.join()
    assert Store(home / "store").columns == ["embedding.pixels"]
    tally(TABLE, "a store that is moved away", "with locks")
