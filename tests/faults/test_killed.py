"""Real processes, killed at any moment or on a disk that is full; run again, they end in the same bytes."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

PRUNE = [sys.executable, "-m", "prune"]
TABLE = "Stopped at any time"
VERBS = {
    "embed": ["embed", "--encoder", "pixels", "--workers", "2", "DATA"],
    "score": ["score", "--type", "forgetting,el2n", "--proxy", "mlp", "--epochs", "12", "--proxy-size", "8",
              "--workers", "0", "--device", "cpu", "DATA"],
    "select": ["select", "--method", "kcenter", "--fraction", "0.3", "--on", "pixels"],
    "export": ["export", "--format", "webdataset", "--shard-size", "4", "--out", "out"],
}  # fmt: skip
KILLS = int(os.environ.get("PRUNE_SOAK", "50"))  # of each verb
IN_A_ROW = 5  # of them before the command may end
SIZES = (4, 24, 64, 160)  # KiB of a disk that are free


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images in two classes: more than one process decodes at once, so that two have work."""
    root = tmp_path_factory.mktemp("killed") / "data"
    for number in range(300):
        path = root / ("left", "right")[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return root


def command(verb: str, data: Path) -> list[str]:
    words = [str(data) if word == "DATA" else word for word in VERBS[verb]]
    return [*PRUNE, *words, "--store", "store"]


def start(words: list[str], home: Path) -> subprocess.Popen[bytes]:
    """Begin a command in a group of its own."""
    return subprocess.Popen(
        words, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def ends(words: list[str], home: Path) -> None:
    process = start(words, home)
    _, said = process.communicate()
    assert process.returncode == 0, said.decode()


def times(home: Path) -> dict[Path, int]:
    """When each file was written: another answer says that a command has begun to write."""
    found = {}
    for here, _, names in os.walk(home):
        for name in names:
            path = Path(here) / name
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.lstat().st_mtime_ns
    return found


def begun(words: list[str], home: Path) -> subprocess.Popen[bytes]:
    """Begin a command, and wait until it has changed something."""
    before = times(home)
    process = start(words, home)
    while process.poll() is None and times(home) == before:
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def undisturbed(data: Path) -> dict[str, tuple[Path, Path, float]]:
    """Of each verb: a home before it, one after it, and the seconds from its first change to its end."""
    found, home = {}, data.parent / "home"
    home.mkdir()
    for verb in VERBS:
        before, after = (data.parent / f"{verb}-{when}" for when in ("before", "after"))
        shutil.copytree(home, before)
        process = begun(command(verb, data), home)
        began = time.monotonic()
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()
        found[verb] = (before, after, time.monotonic() - began)
        shutil.copytree(home, after)
    return found


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_random_moments(
    tmp_path: Path,
    data: Path,
    undisturbed: Any,
    verb: str,
    content: Callable[[Path], dict[str, bytes]],
    tally: Callable[..., None],
) -> None:
    before, after, span = undisturbed[verb]
    expected, draw = content(after), random.Random(verb)
    home, kills = tmp_path / "home", 0
    while kills < KILLS:
        shutil.copytree(before, home)
        window = span
        for _ in range(IN_A_ROW):
            process = begun(command(verb, data), home)
            time.sleep(draw.uniform(0, window))
            ended = process.poll() is not None
            if not ended:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            assert process.returncode in {0, -signal.SIGKILL}
            kills += process.returncode != 0
            window *= 0.8  # what was done before is not done again: it gets quicker
            if ended:
                break
        ends(command(verb, data), home)
        assert content(home) == expected
        assert left_behind(home) == []
        shutil.rmtree(home)
    tally(TABLE, verb, "kill -9", kills)


def left_behind(home: Path) -> list[str]:
    ends_of = (".tmp", ".partial", ".old", ".new")
    return [str(p) for p in home.rglob("*") if p.name.startswith(".") and p.name.endswith(ends_of)]


_MOUNTED = """
mount -t tmpfs -o size=$1k tmpfs full && cp -a before/. full/ 2>/dev/null || exit 77
cd full && shift && "$@" 2>../said; code=$?
cd .. && mount -o remount,size=64m full && cd full && "$@" 2>>../said || exit 78
cp -a . ../result; exit $code
"""


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("verb", VERBS)
def test_a_disk_that_is_really_full(
    tmp_path: Path,
    data: Path,
    undisturbed: Any,
    verb: str,
    content: Callable[[Path], dict[str, bytes]],
    tally: Callable[..., None],
) -> None:
    mounts = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    if shutil.which("unshare") is None or subprocess.run(mounts, capture_output=True).returncode:
        pytest.skip("this system does not let its users mount a disk of their own")
    before, after, _ = undisturbed[verb]
    used = sum(-(-p.stat().st_size // 4096) * 4 for p in before.rglob("*") if p.is_file())
    full = 0
    for size in SIZES:
        home = tmp_path / str(size)
        (home / "full").mkdir(parents=True)
        shutil.copytree(before, home / "before")
        script = ["unshare", "-rm", "sh", "-c", _MOUNTED, "sh", str(used + size), *command(verb, data)]
        code = subprocess.run(script, cwd=home, stdout=subprocess.DEVNULL).returncode
        said = (home / "said").read_text()
        assert code in {0, 6}, said
        assert "Traceback" not in said
        assert code == 0 or "no space left" in said or "are free" in said
        assert content(home / "result") == content(after)
        assert left_behind(home / "result") == []
        full += code == 6
    assert full
    tally(TABLE, verb, "disk full", full)
