"""A mapped file that somebody cuts short while it is read ends the command in words, whoever maps it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from prune.commands.signals import end_on_signals

end_on_signals()
how, path = sys.argv[1:]
np.save(path, np.zeros(1_000_000))
mapped = np.load(path, mmap_mode="r")
with pa.memory_map(path) as file:
    values = pa.Array.from_buffers(pa.float64(), 900_000, [None, file.read_buffer()])
os.truncate(path, 1000)
print({"one number": lambda: mapped[-1], "all of it": mapped.sum, "by Arrow": lambda: pc.sum(values)}[how]())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGBUS"), reason="this system has no SIGBUS")
@pytest.mark.parametrize("how", ["one number", "all of it", "by Arrow"])
def test_it_is_said_by_code_that_holds_the_interpreter_and_by_code_that_does_not(
    tmp_path: Path, how: str
) -> None:
    words = [sys.executable, "-c", PROGRAM, how, str(tmp_path / "x.npy")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=250)
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: a file was cut short while it was read")
    assert len(ended.stderr.splitlines()) == 2
