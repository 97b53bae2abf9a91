"""A folder of compiled kernels stands for their sources and for all that is compiled into them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import kernel_cache

SOURCES = {
    "prune/__init__.py": "",
    "prune/kernels.py": "from prune.sums import add\n@compiled\ndef f(x): return add(x)\n",
    "prune/sums/__init__.py": "from prune.numbers import HALF\n",
    "prune/numbers.py": "HALF = 0.5\n",
    "prune/other.py": "WORDS = 3\n",
}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ("prune/kernels.py", False),
        ("prune/sums/__init__.py", False),
        ("prune/numbers.py", False),
        ("prune/other.py", True),
    ],
)
def test_it_changes_with_what_is_compiled_in(
    changed: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(kernel_cache, "ROOT", tmp_path)
    before = kernel_cache.digest_of_kernels()
    with (tmp_path / changed).open("a") as out:
        out.write("# another\n")
    assert (kernel_cache.digest_of_kernels() == before) is same
