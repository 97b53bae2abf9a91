"""Real commands, interrupted: they end within seconds, leave no process, and go on when run again."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prune import pipeline

TABLE = "Stopped at any time"
ENOUGH = 5.0  # seconds of work that an end may take; on a busy machine they may be a minute of a clock
HANG = 200.0  # seconds after which nothing is going to happen any more
TICK = os.sysconf("SC_CLK_TCK")
SAMPLES = 800
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@dataclass(frozen=True)
class Verb:
    """A command on a home, a sign that it is at work, and the same in this process."""

    name: str
    words: list[str]
    sign: str  # a pattern below the home that appears once it works
    here: Callable[[Path, Path], Any]


VERBS = [
    Verb(
        "embed",
        ["embed", "DATA", "--encoder", "pixels", "--workers", "2"],
        "store/columns/embedding.pixels",
        lambda home, data: pipeline.embed(home / "store", str(data), encoder="pixels"),
    ),
    Verb(
        "score",
        [
            "score",
            "DATA",
            "--type",
            "el2n",
            "--proxy",
            "mlp",
            "--epochs",
            "12",
            "--proxy-size",
            "8",
            "--workers",
            "2",
        ],
        "store/columns/trace.0/*/part-*",
        lambda home, data: pipeline.score(
            home / "store", str(data), types=["el2n"], training={"proxy": "mlp", "epochs": 12, "size": 8}
        ),
    ),
    Verb(
        "select",
        ["select", "--method", "facility_location", "--fraction", "0.9", "--on", "pixels"],
        "store/lock",
        lambda home, _: pipeline.select(
            home / "store", method="facility_location", fraction="0.9", on="pixels"
        ),
    ),
    Verb(
        "export",
        ["export", "--format", "imagefolder", "--out", "HOME/out"],
        ".out.partial/*",
        lambda home, _: pipeline.export(home / "store", format="imagefolder", out=home / "out"),
    ),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough tiny images to be stopped in their midst."""
    root = tmp_path_factory.mktemp("signals") / "data"
    random_pixels = np.random.default_rng(0).integers(0, 256, (SAMPLES, 8, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(random_pixels):
        path = root / ("left", "right")[number % 2] / f"{number:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return root


@pytest.fixture(scope="module")
def homes(data: Path) -> dict[str, Path]:
    """A home before each verb, and `whole` after all of them."""
    made, home = {}, data.with_name("home")
    home.mkdir()
    for verb in VERBS:
        if verb.name == "select":
            pipeline.select(home / "store", method="random", fraction="0.9", name="first")
        made[verb.name] = Path(shutil.copytree(home, data.with_name(f"before-{verb.name}")))
        verb.here(home, data)
        made[f"after {verb.name}"] = Path(shutil.copytree(home, data.with_name(f"after-{verb.name}")))
    return made


def worked(group: int) -> float:
    """Return the seconds of work that the processes of a group have done, and those they have waited for."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = path.read_text().rpartition(")")[2].split()  # the name may hold anything
            total += sum(map(int, fields[11:15])) if int(fields[2]) == group else 0
    return total / TICK


def reaped() -> float:
    """Return the seconds of work of all processes that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ends(process: subprocess.Popen[str], before: float) -> str:
    """Wait for the end of a process that had worked so long; return what it said on standard error."""
    done = reaped()
    _, err = process.communicate(timeout=HANG)
    assert reaped() - done - before < ENOUGH
    return err


def is_gone(group: int) -> bool:
    """Wait until no process of the group is left."""
    deadline = time.monotonic() + HANG
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def started(verb: Verb, home: Path, data: Path) -> Iterator[subprocess.Popen[str]]:
    words = [word.replace("DATA", str(data)).replace("HOME", str(home)) for word in verb.words]
    process = subprocess.Popen(
        [sys.executable, "-m", "prune", *words, "--store", str(home / "store"), "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    with process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def stop(process: subprocess.Popen[str], number: int, *, whole_group: bool) -> bool:
    """Send a signal, and look how the command ends; return whether it was still at work."""
    before = worked(process.pid)
    if whole_group:  # as a terminal does, and a batch system; `kill` reaches one process
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    err = ends(process, before)
    if process.returncode == -number and ", in main\n" not in err:
        return False  # Python itself was still starting, or loading what the first line of prune needs
    assert "Traceback" not in err
    assert process.returncode in {0, CODES[signal.Signals(number)]}, err
    assert is_gone(process.pid)
    if process.returncode:
        assert err.endswith("prune: stopped; run the same command again to go on\n")
    return process.returncode != 0


def ends_as_if_nothing_was(verb: Verb, home: Path, data: Path, homes: Any, content: Any) -> None:
    kept = {path: path.stat().st_mtime_ns for path in home.rglob("part-*") if path.is_file()}
    verb.here(home, data)
    assert content(home) == content(homes[f"after {verb.name}"])
    assert [
        path for path, written in kept.items() if path.exists() and path.stat().st_mtime_ns != written
    ] == []
    assert list(home.rglob(".prune-*.tmp")) == []


@pytest.mark.parametrize(
    ("verb", "number"),
    list(zip(VERBS, [signal.SIGTERM, signal.SIGINT] * 2, strict=True)),
    ids=[verb.name for verb in VERBS],
)
def test_a_command_at_work_ends_at_once(
    verb: Verb, number: int, tmp_path: Path, data: Path, homes: Any, content: Any, tally: Any
) -> None:
    home = Path(shutil.copytree(homes[verb.name], tmp_path / "home"))
    for old in home.glob("store/lock"):
        old.unlink()
    with started(verb, home, data) as process:
        deadline = time.monotonic() + HANG
        while not any(home.glob(verb.sign)) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        stopped = stop(process, number, whole_group=number == signal.SIGINT)
    ends_as_if_nothing_was(verb, home, data, homes, content)
    if stopped:
        tally(TABLE, verb.name, signal.Signals(number).name)


@pytest.mark.parametrize("moment", [0.15, 0.6])
def test_a_command_that_is_still_loading_ends_at_once(
    moment: float, tmp_path: Path, data: Path, homes: Any, tally: Any
) -> None:
    home = Path(shutil.copytree(homes["score"], tmp_path / "home"))
    with started(VERBS[1], home, data) as process:
        time.sleep(moment)
        if stop(process, signal.SIGINT, whole_group=True):
            tally(TABLE, "score", "SIGINT")


KERNEL = """
import signal, sys, threading, time
import numpy as np
from prune.commands import signals
from prune.system.compilation import compiled

@compiled
def spin(steps):
    total = 0.0
    for i in range(steps):
        total += i % 7
    return total

spin(1)
signals.end_on_signals()
print("spinning", flush=True)
spin(10**13)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_compiled_code_is_left_in_its_midst(number: int, tmp_path: Path, tally: Any) -> None:
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "spinning\n"
        time.sleep(0.2)
        before = worked(process.pid)
        process.send_signal(number)
        err = ends(process, before)
    assert process.returncode == CODES[signal.Signals(number)]
    assert err == "prune: stopped; run the same command again to go on\n"
    tally(TABLE, "a compiled kernel", signal.Signals(number).name)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_command_ends_at_any_moment(
    verb: Verb, tmp_path: Path, data: Path, homes: Any, content: Any, tally: Any
) -> None:
    drawn = random.Random(verb.name)
    for turn in range(int(os.environ.get("PRUNE_SOAK", "40"))):
        home = Path(shutil.copytree(homes[verb.name], tmp_path / f"home-{turn}"))
        number = drawn.choice([signal.SIGINT, signal.SIGTERM])
        with started(verb, home, data) as process:
            time.sleep(drawn.uniform(0.1, 10.0))
            stopped = stop(process, number, whole_group=drawn.random() < 0.5)
        ends_as_if_nothing_was(verb, home, data, homes, content)
        shutil.rmtree(home)
        if stopped:
            tally(TABLE, verb.name, signal.Signals(number).name)
