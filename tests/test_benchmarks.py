"""The benchmarks start, and the loops that they compare with choose what prune chooses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
def test_select_prints_one_table_and_hides_no_module_of_the_standard_library() -> None:
    words = [str(BENCHMARKS / "select.py"), "--kernels", "kcenter,herding", "--n", "300", "--d", "16"]
    done = subprocess.run(
        [sys.executable, *words, "--rounds", "1"], capture_output=True, text=True, check=True
    )
    lines = [line.split("|") for line in done.stdout.splitlines() if line.startswith("|")]
    loops = [cells for cells in lines if cells[2].strip() == "numpy loop"]
    assert len(loops) == 2
    assert all(cells[8].strip() == "100.00% of 30" for cells in loops)
