"""What every test stands on: no hubs, a plain terminal, a few images, a disk that fails on demand."""

from __future__ import annotations

import os

os.environ |= {"HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
os.environ.pop("PRUNE_STORE", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, one thread each

import errno
import functools
import gc
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from prune import cli
from prune.system import files
from tests.kernel_cache import keep_kernels_outside

keep_kernels_outside()
hypothesis.settings.load_profile("ci")  # the same cases in every run


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every search for garbage: a third of a second each, and some ask."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let it end as any other process does: some libraries say what is left of them."""
    gc.unfreeze()


class Killed(BaseException):
    """The process ended here; nothing that the program would do afterwards reaches the disk."""


class Unflushed:
    """What a power cut takes back: the bytes and the names that no flush has brought to the device yet."""

    def __init__(self, attic: Path) -> None:
        self._attic = Path(tempfile.mkdtemp(dir=attic))  # where a name goes that is not to be seen now
        self._count = 0
        self._bytes: dict[int, int] = {}  # inode of a file -> a descriptor of ours
        self._folders: dict[int, int] = {}  # inode of a folder -> a descriptor of ours
        self._names: list[tuple[int, list[tuple[str, str]]]] = []  # folder, renames that take a change back

    def aside(self, path: Path) -> str:
        """Move something out of sight; return where to."""
        kept = self.away()
        path.rename(kept)
        return kept

    def away(self) -> str:
        self._count += 1
        return str(self._attic / str(self._count))

    def wrote(self, fd: int) -> None:
        self._bytes[os.fstat(fd).st_ino] = os.dup(fd)

    def changed(self, folder: Path, *back: tuple[str, str]) -> None:
        self._names.append((self._opened(folder), list(back)))

    def inside(self, path: Path) -> str:
        """Return a name that leads into the folder of this path, whatever that is called by then."""
        return f"/proc/self/fd/{self._folders[self._opened(path.parent)]}/{path.name}"

    def _opened(self, folder: Path) -> int:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        inode = os.fstat(fd).st_ino
        if self._folders.setdefault(inode, fd) != fd:
            os.close(fd)
        return inode

    def flushed(self, fd: int) -> None:
        inode = os.fstat(fd).st_ino
        self._names = [(folder, back) for folder, back in self._names if folder != inode]
        if inode in self._bytes:
            os.close(self._bytes.pop(inode))

    def all_flushed(self) -> None:
        self._names.clear()
        while self._bytes:
            os.close(self._bytes.popitem()[1])

    def lose(self, how: str, seed: int = 0) -> None:
        """Cut the power: names `lost`, or `kept` without bytes or with half (`torn`), or `some` of it."""
        draw = np.random.default_rng(seed)
        folders = [folder for folder, _ in self._names]
        left = {folder: folders.count(folder) for folder in folders}
        stay = {folder: 0 if how == "lost" else n for folder, n in left.items()}
        if how == "some":  # of each folder the changes up to some moment
            stay = {folder: int(draw.integers(n + 1)) for folder, n in left.items()}
        for folder, back in reversed(self._names):
            if left[folder] > stay[folder]:
                for old, new in back:
                    os.rename(old, new, src_dir_fd=self._folders[folder], dst_dir_fd=self._folders[folder])
            left[folder] -= 1
        for fd in self._bytes.values():
            size = os.fstat(fd).st_size
            os.ftruncate(fd, {"torn": size // 2, "some": int(draw.integers(size + 1))}.get(how, 0))
        self.all_flushed()
        while self._folders:
            os.close(self._folders.popitem()[1])


class FaultyDisk(files.Disk):
    """A disk whose `at`-th change fails.

    `kill` and `power` end the process before it, `torn` half way; it is `full` now and for good, or has an
    `error` this once. A disk that is `short` takes only half of what it is given, every time.
    """

    Killed = Killed

    def __init__(self, kind: str = "none", at: int = 0, attic: Path | None = None) -> None:
        self.kind, self.at = kind, at
        self.calls: list[str] = []
        self.created: list[str] = []
        self.unflushed = Unflushed(attic) if attic and kind == "power" else None

    def _strike(self, call: str) -> bool:
        """Count a change; fail if its time has come. True: half of it is still to be done."""
        self.calls.append(call)
        now, past = len(self.calls) == self.at, len(self.calls) > self.at
        if self.kind == "full" and (now or past) and not call.startswith("remove"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.kind == "error" and now:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        halfway = now and (self.kind, call) == ("torn", "write")
        if self.kind in {"kill", "torn", "power"} and (now or past) and not halfway:
            raise Killed
        return halfway

    def create(self, path: Path) -> int:
        self._strike("create")
        self.created.append(path.name)
        fd = super().create(path)
        if self.unflushed:
            self.unflushed.wrote(fd)
            self.unflushed.changed(path.parent, (path.name, self.unflushed.away()))
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        if self._strike("write"):
            super().write(fd, data[: len(data) // 2])
            raise Killed
        return super().write(fd, data[: -(-len(data) // 2)] if self.kind == "short" else data)

    def sync(self, fd: int) -> None:
        self._strike("sync")
        if self.unflushed:
            self.unflushed.flushed(fd)

    def sync_all(self, fd: int) -> None:
        self._strike("sync_all")
        if self.unflushed:
            self.unflushed.all_flushed()

    def rename(self, old: Path, new: Path) -> None:
        self._strike("rename")
        back = [(new.name, old.name)]
        if self.unflushed and old.parent != new.parent:
            back = [(new.name, self.unflushed.inside(old))]
        if self.unflushed and os.path.lexists(new):
            back.append((self.unflushed.aside(new), new.name))
        super().rename(old, new)
        if self.unflushed:
            self.unflushed.changed(new.parent, *back)

    def remove(self, path: Path) -> None:
        self._strike("remove")
        if self.unflushed and os.path.lexists(path):
            self.unflushed.changed(path.parent, (self.unflushed.aside(path), path.name))
        super().remove(path)

    def remove_folder(self, path: Path) -> None:
        self._strike("remove_folder")
        if self.unflushed and path.is_dir() and not any(path.iterdir()):
            self.unflushed.changed(path.parent, (self.unflushed.aside(path), path.name))
        else:
            super().remove_folder(path)

    def make_folder(self, path: Path) -> None:
        new = not path.is_dir()
        if new:
            self._strike("make_folder")
        super().make_folder(path)
        if self.unflushed and new:
            self.unflushed.changed(path.parent, (path.name, self.unflushed.away()))

    def link(self, target: Path, path: Path, *, symbolic: bool) -> None:
        self._strike("link")
        super().link(target, path, symbolic=symbolic)
        if self.unflushed:
            self.unflushed.changed(path.parent, (path.name, self.unflushed.away()))


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., FaultyDisk]:
    """Put a failing disk in the place of the real one; with no arguments, one that only counts."""

    def use(kind: str = "none", at: int = 0) -> FaultyDisk:
        attic = tmp_path / "attic"
        attic.mkdir(exist_ok=True)
        disk = FaultyDisk(kind, at, attic)
        monkeypatch.setattr(files, "disk", disk)
        return disk

    return use


@pytest.fixture
def killed() -> type[BaseException]:
    """What a killed disk raises."""
    return Killed


def draw(number: int, size: int = 12) -> Image.Image:
    """An image of its own for each number: class 0 is dark on the left, class 1 on the right."""
    pixels = np.random.default_rng(number).integers(60, 256, (size, size, 3), dtype=np.uint8)
    half = slice(None, size // 2) if number % 2 == 0 else slice(size // 2, None)
    pixels[:, half] //= 4
    return Image.fromarray(pixels)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Forty tiny images in two class folders."""
    root = tmp_path / "data"
    for number in range(40):
        path = root / ("left", "right")[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(number).save(path)
    return root


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Count what a test tried, for docs/reliability.md: `tally(table, row, column, 12)`, or text."""

    def count(table: str, row: str, column: str, value: int | str = 1) -> None:
        record_property("tally", json.dumps([table, row, column, value]))

    return count


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run `prune WORDS…` in this process; return the exit code and what a fixture of pytest captured."""

    def run(capture: pytest.CaptureFixture[str], *words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["prune", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capture.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def prune(typed: Callable[..., Said], capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `prune WORDS…` in this process; return the exit code and what was printed."""
    return functools.partial(typed, capsys)
