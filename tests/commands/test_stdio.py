"""A command whose standard streams are closed, as some schedulers start them, or full, works all the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.commands.console import reporter
from prune.commands.stdio import hold_streams
from prune.store import Store

Prune = Callable[..., Any]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-", pytest.param("2>/dev/full", marks=needs_full)])
def test_closed_streams_change_nothing(closed: str, images: Path, elsewhere: Path) -> None:
    words = "-m prune embed --encoder pixels --workers 0"
    script = f'exec "$0" {words} --store "$2" "$1" {closed}'
    command = ["sh", "-c", script, sys.executable, str(images), str(elsewhere / "store")]
    assert subprocess.run(command, capture_output=True, check=False, timeout=250).returncode == 0
    command[2] = f'exec "$0" -m prune verify --store "$2" {closed}'
    assert subprocess.run(command, capture_output=True, check=False, timeout=250).returncode == 0


@needs_full
def test_results_that_are_lost_are_said_once(elsewhere: Path) -> None:
    script = 'exec "$0" -m prune methods --json >/dev/full'
    said = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, check=False, timeout=250)
    assert said.returncode == 6
    assert said.stderr.decode().splitlines() == [
        "error: cannot write the output: no space left",
        "try:   free some space there; what the command made is whole, only this text is lost",
    ]


@needs_full
def test_a_log_that_is_full_stops_nothing(
    prune: Prune, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FULL.open("w") as nowhere:
        monkeypatch.setattr(sys, "stdout", sys.__stdout__)
        monkeypatch.setattr(sys, "stderr", nowhere)
        hold_streams()
        reporter(quiet=False).say("going on")
        assert prune("status", "--store", "nowhere").code == 4


@needs_full
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["select", "--method", "random", "--count", "3"], 6),
        (["select", "--method", "random", "--count", "3", "--json"], 6),
        (["status", "--store", "nowhere", "--json"], 4),
        (["select", "--count", "x", "--json"], 2),
        (["--help"], 6),
    ],
)
def test_results_that_are_lost_do_not_undo_the_work(
    words: list[str], code: int, prune: Prune, images: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.embed(data=str(images), encoder="pixels")
    with FULL.open("w") as nowhere:
        monkeypatch.setattr(sys, "stderr", sys.__stderr__)
        monkeypatch.setattr(sys, "stdout", nowhere)
        hold_streams()
        assert prune(*words).code == code
    published = [] if code != 6 or "select" not in words else ["random"]
    assert list(Store(".prune").state["selections"]) == published
