"""Programs in processes of their own, by other numbers of threads and the kernels of other processors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@pytest.fixture
def said(tmp_path: Path) -> Callable[..., str]:
    """Run a program by a number of threads; return what it prints."""

    def run(program: str, threads: int, *words: object, **more: str) -> str:
        around = os.environ | dict.fromkeys(THREADS, str(threads)) | more
        command = [sys.executable, "-c", program, *map(str, words)]
        done = subprocess.run(command, env=around, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def columns() -> Callable[[Path], dict[str, bytes]]:
    """Return the bytes of all columns of a store."""

    def read(store: Path) -> dict[str, bytes]:
        paths = (path for path in sorted((store / "columns").rglob("*")) if path.is_file())
        return {str(path.relative_to(store)): path.read_bytes() for path in paths}

    return read
