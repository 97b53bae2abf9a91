"""pandas is not loaded for arrays of ours, and is there for whoever asks for it by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas")

MADE = "import numpy as np, pyarrow as pa; pa.array([1]); pa.array(['a', None]); pa.array(np.zeros(2))"
OURS = f"""
import sys
from prune.system.pandas_unasked import spare_pandas
spare_pandas()
exec(compile({MADE!r}, "ours", "exec"), {{"__name__": "prune.made"}})
"""


def _says(code: str, place: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=place)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_arrays_of_ours_need_none(tmp_path: Path) -> None:
    assert _says(f"{OURS}\nprint('pandas' in sys.modules)", tmp_path) == "False"


def test_arrays_of_others_find_it(tmp_path: Path) -> None:
    code = OURS.replace("prune.made", "somebody")
    assert _says(f"{code}\nprint('pandas' in sys.modules)", tmp_path) == "True"


def test_a_module_of_a_user_gets_it_afterwards(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(
        "import pyarrow as pa\n"
        "frame = pa.table({'a': [1, 2]}).to_pandas()\n"
        "import pandas as pd\n"
        "holes = pa.array(pd.Series([1.0, float('nan')])).null_count\n"
    )
    assert _says(f"{OURS}\nimport theirs; print(theirs.frame['a'].sum(), theirs.holes)", tmp_path) == "3 1"
