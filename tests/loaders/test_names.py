"""What `prune.loaders` offers is there, and looking at it loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import prune
from prune import loaders


def test_every_name_is_what_it_says() -> None:
    assert sorted(loaders.__all__) == sorted(loaders._HOMES)
    for name in loaders.__all__:
        assert getattr(loaders, name).__name__ == name
    assert set(loaders.__all__) <= set(dir(loaders))
    assert prune.loaders is loaders
    with pytest.raises(AttributeError, match="no attribute 'datset'"):
        _ = loaders.datset


def test_looking_at_it_loads_no_torch() -> None:
    heavy = "{'torch', 'numpy', 'pyarrow', 'datasets'}"
    code = f"import sys, prune; prune.loaders; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
