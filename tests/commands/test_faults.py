"""A signal ends a command that is typed, and the same command goes on; no command aborts at its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_and_the_same_command_goes_on(
    images: Path, elsewhere: Path, number: int, code: int
) -> None:
    words = [sys.executable, "-m", "prune", "score", "--type", "el2n", "--proxy", "mlp", "--proxy-size", "8"]
    words += ["--epochs", "4000", "--workers", "0", str(images)]
    process = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    trace = elsewhere / ".prune" / "columns" / "trace.0"
    deadline = time.monotonic() + 250
    while time.monotonic() < deadline and len(list(trace.rglob("part-*"))) < 2:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=250)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "run the same command again" in err


def test_status_ends_well_every_time(images: Path, elsewhere: Path) -> None:
    """pyarrow's reading threads once aborted the process at its end, now and then."""
    run = [sys.executable, "-m", "prune"]
    subprocess.run([*run, "embed", "--encoder", "pixels", "--workers", "0", str(images)], check=True)
    for _ in range(8):
        assert subprocess.run([*run, "status", "--quiet"], check=False).returncode == 0
