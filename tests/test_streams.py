"""A command whose standard streams are closed, as some schedulers start them, works all the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(closed: str, images: Path, elsewhere: Path) -> None:
    words = "-m prune embed --encoder pixels --workers 0"
    script = f'exec "$0" {words} --store "$2" "$1" {closed}'
    command = ["sh", "-c", script, sys.executable, str(images), str(elsewhere / "store")]
    assert subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0
    command[2] = f'exec "$0" -m prune verify --store "$2" {closed}'
    assert subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0
