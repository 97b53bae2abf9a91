"""mypy sees every option of every verb: the script of a user is checked with the package, mistakes and all.

`mypy` of `make test` reads the script, and is strict: an `ignore` of a mistake that is not told, or told as
another kind, is an error of its own.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tests" / "typing" / "user.py"
MISTAKE = re.compile(r".*  # type: ignore\[[a-z-]+\]$", re.MULTILINE)


def test_the_script_of_a_user_and_its_mistakes_are_among_what_is_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["strict"] is True
    assert settings.get("warn_unused_ignores", True) is True
    assert "tests/typing" in settings["files"]
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(MISTAKE.findall(text)) >= 6
    assert text.count("type: ignore") == len(MISTAKE.findall(text))  # each says its kind
