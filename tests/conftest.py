"""What every test stands on: no hubs, a plain terminal, a few images, a disk that fails on demand."""

from __future__ import annotations

import os

os.environ |= {"HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "TERM": "dumb", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
os.environ.pop("PRUNE_STORE", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, one thread each

import errno
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prune import files


class Killed(BaseException):
    """The process ended here; nothing that the program would do afterwards reaches the disk."""


class FaultyDisk(files.Disk):
    """A disk whose `at`-th change fails: `kill` before it, `torn` half way, `full` now and for good."""

    Killed = Killed

    def __init__(self, kind: str = "none", at: int = 0) -> None:
        self.kind, self.at = kind, at
        self.calls: list[str] = []
        self.created: list[str] = []

    def _strike(self, call: str) -> bool:
        """Count a change; fail if its time has come. True: half of it is still to be done."""
        self.calls.append(call)
        now, past = len(self.calls) == self.at, len(self.calls) > self.at
        if self.kind == "full" and (now or past) and not call.startswith("remove"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        halfway = now and (self.kind, call) == ("torn", "write")
        if self.kind in {"kill", "torn"} and (now or past) and not halfway:
            raise Killed
        return halfway

    def create(self, path: Path) -> int:
        self._strike("create")
        self.created.append(path.name)
        return super().create(path)

    def write(self, fd: int, data: memoryview) -> int:
        if self._strike("write"):
            super().write(fd, data[: len(data) // 2])
            raise Killed
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self._strike("sync")

    def sync_all(self, fd: int) -> None:
        self._strike("sync_all")

    def rename(self, old: Path, new: Path) -> None:
        self._strike("rename")
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._strike("remove")
        super().remove(path)

    def remove_folder(self, path: Path) -> None:
        self._strike("remove_folder")
        super().remove_folder(path)

    def make_folder(self, path: Path) -> None:
        if not path.is_dir():
            self._strike("make_folder")
        super().make_folder(path)

    def link(self, target: Path, path: Path, *, symbolic: bool) -> None:
        self._strike("link")
        super().link(target, path, symbolic=symbolic)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FaultyDisk]:
    """Put a failing disk in the place of the real one; with no arguments, one that only counts."""

    def use(kind: str = "none", at: int = 0) -> FaultyDisk:
        disk = FaultyDisk(kind, at)
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
