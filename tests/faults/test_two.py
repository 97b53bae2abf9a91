"""Two commands at once: the second says who is there or waits, and nothing mixes.

The first command is held in the midst of its work while the second runs, so that no window is too narrow.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import PruneError, StoreError
from prune.steps.settings import Settings
from prune.store import Store, read_selection
from prune.system import files

TABLE = "Two at once"
TRAINING = {"proxy": "mlp", "epochs": 2, "size": 8}
Command = Callable[[Path, Path, Settings], Any]

pytestmark = pytest.mark.usefixtures("small_parts")


def embed(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.embed(home / "store", str(data / "images"), encoder="pixels", settings=settings)


def embed_other(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.embed(home / "store", str(data / "more"), encoder="pixels", settings=settings)


def score(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.score(
        home / "store", str(data / "images"), types=["el2n"], training=TRAINING, settings=settings
    )


def select(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.select(home / "store", method="kcenter", fraction="0.3", on="pixels", settings=settings)


def select_more(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.select(home / "store", method="kcenter", fraction="0.6", on="pixels", settings=settings)


def export(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.export(home / "store", format="webdataset", out=home / "out", settings=settings)


def export_other(home: Path, data: Path, settings: Settings) -> Any:
    return pipeline.export(home / "store", format="imagefolder", out=home / "out", settings=settings)


STEPS: dict[str, list[Command]] = {"": [], "embedded": [embed], "selected": [embed, select]}
PAIRS = [
    pytest.param("", embed, embed, id="embed + embed"),
    pytest.param("", embed, score, id="embed + score"),
    pytest.param("", embed, embed_other, id="embed + embed of other data"),
    pytest.param("embedded", score, select, id="score + select"),
    pytest.param("selected", select_more, score, id="select + score"),
    pytest.param("selected", select_more, select_more, id="select + select"),
    pytest.param("selected", export, export, id="export + export"),
    pytest.param("selected", export, export_other, id="export + another export"),
]


class Told:
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Callable[[int], None]]:
        yield lambda _: None

    def say(self, message: str) -> None:
        self.said.append(message)


class HoldingDisk(files.Disk):
    """A disk that lets threads wait before a rename."""

    def __init__(self) -> None:
        self.waiting: dict[threading.Thread, Running] = {}

    def rename(self, old: Path, new: Path) -> None:
        running = self.waiting.get(threading.current_thread())
        if running is not None:
            running.left -= 1
            if running.left == 0:
                running.reached.set()
                assert running.may_go.wait(60)
        super().rename(old, new)

    def sync(self, fd: int) -> None:
        """Nothing here is about power cuts."""

    sync_all = sync


class Running:
    """A command in a thread of its own, held in the midst of its work, before its `at`-th rename."""

    def __init__(self, disk: HoldingDisk, command: Command, home: Path, data: Path, at: int = 2) -> None:
        self.error: BaseException | None = None
        self.left = at
        self.reached, self.may_go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(command, home, data))
        disk.waiting[self._thread] = self

    def __enter__(self) -> Running:
        self._thread.start()
        assert self.reached.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.may_go.set()
        self._thread.join()

    def _run(self, command: Command, home: Path, data: Path) -> None:
        try:
            command(home, data, Settings())
        except BaseException as error:
            self.error = error
        finally:
            self.reached.set()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Running]:
    """Begin `command(home, data, Settings())` in a thread that waits before its `at`-th rename: a context."""
    disk = HoldingDisk()
    monkeypatch.setattr(files, "disk", disk)
    return functools.partial(Running, disk)


@pytest.fixture
def told() -> Told:
    """A reporter that keeps what is said."""
    return Told()


@pytest.fixture(scope="module")
def homes(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home for every name in STEPS."""
    root = tmp_path_factory.mktemp("homes")
    for name, steps in STEPS.items():
        (root / f"at{name}").mkdir()
        for step in steps:
            step(root / f"at{name}", sources, Settings())
    score(root / "at", sources, Settings())  # loads what takes seconds to load
    shutil.rmtree(root / "at" / "store")
    return {name: root / f"at{name}" for name in STEPS}


@pytest.fixture
def begin(homes: dict[str, Path], tmp_path: Path) -> Callable[..., Path]:
    """Copy the home at some point."""
    return lambda at, name: Path(shutil.copytree(homes[at], tmp_path / name))


def in_turn(home: Path, data: Path, *commands: Command) -> str:
    """Run one command after the other; return what the last one failed with."""
    error = ""
    for command in commands:
        try:
            error = ""
            command(home, data, Settings())
        except PruneError as failed:
            error = str(failed).replace(str(home), "HOME")
    return error


@pytest.mark.parametrize(("at", "first", "second"), PAIRS)
def test_the_second_command_says_who_is_there_and_changes_nothing(
    held: Any,
    begin: Any,
    sources: Path,
    at: str,
    first: Command,
    second: Command,
    content: Any,
    tally: Any,
    request: Any,
) -> None:
    home, alone = begin(at, "both"), begin(at, "alone")
    in_turn(alone, sources, first)
    with held(first, home, sources):
        with pytest.raises(
            StoreError, match=f"in use by pid {os.getpid()} on {socket.gethostname()}"
        ) as caught:
            second(home, sources, Settings())
        assert "--wait" in caught.value.hint
    assert content(home) == content(alone)
    assert in_turn(home, sources, second) == in_turn(alone, sources, second)
    assert content(home) == content(alone)
    tally(TABLE, request.node.callspec.id, "with locks")


@pytest.mark.parametrize(("at", "first", "second"), PAIRS)
def test_with_wait_the_second_command_comes_after_the_first(
    told: Any,
    held: Any,
    begin: Any,
    sources: Path,
    at: str,
    first: Command,
    second: Command,
    content: Any,
    tally: Any,
    request: Any,
) -> None:
    home, alone = begin(at, "both"), begin(at, "alone")
    expected = in_turn(alone, sources, first, second)
    error = ""
    with held(first, home, sources) as running:
        threading.Timer(0.3, running.end).start()
        try:
            second(home, sources, Settings(wait=True, reporter=told))
        except PruneError as failed:
            error = str(failed).replace(str(home), "HOME")
    assert error == expected
    assert sum("waiting for it" in words for words in told.said) == 1
    assert content(home) == content(alone)
    tally(TABLE, request.node.callspec.id, "with locks")


@pytest.mark.parametrize("moments", [(1, 99), (3, 99), (5, 99), (8, 99), (2, 2), (5, 3), (2, 5)])
@pytest.mark.parametrize(("at", "first", "second"), PAIRS)
def test_without_locks_nothing_mixes(
    held: Any,
    begin: Any,
    sources: Path,
    at: str,
    first: Command,
    second: Command,
    moments: tuple[int, int],
    content: Any,
    tally: Any,
    monkeypatch: Any,
    request: Any,
) -> None:
    home = begin(at, "both")
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", lambda *_: None)
        with (
            held(first, home, sources, moments[0]) as one,
            held(second, home, sources, moments[1]) as other,
        ):
            one.end()
            other.end()
    for error in (one.error, other.error):
        assert error is None or (isinstance(error, PruneError) and error.exit_code in {4, 6})
    _is_sound(home, failed=bool(one.error or other.error))
    if second in {embed_other, export_other}:  # it is a matter of who came first
        expected = [begin(at, "one"), begin(at, "other")]
        for alone, command in zip(expected, (first, second), strict=True):
            in_turn(alone, sources, command)
            in_turn(home, sources, command)
    else:
        expected = [begin(at, "alone")]
        in_turn(expected[0], sources, first, second, first, second)
        in_turn(home, sources, first, second)
    found = content(home)
    assert any(all(found.get(k) == v for k, v in content(alone).items()) for alone in expected)
    tally(TABLE, request.node.callspec.id.rpartition("-")[0], "without locks")


def _is_sound(home: Path, *, failed: bool) -> None:
    """What can be read is what one of the two commands writes by itself."""
    store = Store(home / "store")
    for name in store.columns_if_any:
        store.column(name).read()
    for name in store.state["selections"] if store.exists() else ():
        with contextlib.suppress(StoreError) if failed else contextlib.nullcontext():
            assert read_selection(store, name).manifest.num_rows == 40
    if (home / "out").exists():
        found = pipeline.verify(home / "store", home / "out", source=False)
        assert found["whole"], found
