"""Machine code that was kept is used while all that is compiled into it is as it was, and no longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KERNEL = """
from halves import half
from numbers_ import ONE
from prune.system.compilation import compiled

@compiled
def answer(x):
    return later(x) + ONE

@compiled
def later(x):
    return half(x)

print(answer(8.0))
print(sum(answer.stats.cache_hits.values()))
"""
HALF = "from prune.system.compilation import compiled\n\n@compiled\ndef half(x):\n    return x / 2\n"


def _answer(folder: Path) -> tuple[float, int]:
    """Run the kernel in a process of its own; return what it computes, and how often it was at hand."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder / "kept"), "PYTHONDONTWRITEBYTECODE": "1"}
    run = [sys.executable, "-c", "import kernel"]
    done = subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True, check=True)
    answer, hits = done.stdout.split()
    return float(answer), int(hits)


def test_a_callee_or_a_number_of_another_file_that_changes_is_compiled_anew(tmp_path: Path) -> None:
    for module, source in (("kernel", KERNEL), ("halves", HALF), ("numbers_", "ONE = 1\n")):
        (tmp_path / f"{module}.py").write_text(source)
    assert _answer(tmp_path) == (5.0, 0)
    assert _answer(tmp_path) == (5.0, 1)
    (tmp_path / "halves.py").write_text(HALF.replace("2", "4"))
    assert _answer(tmp_path) == (3.0, 0)
    (tmp_path / "numbers_.py").write_text("ONE = 9\n")
    assert _answer(tmp_path) == (11.0, 0)
