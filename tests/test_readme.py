"""Every command that the README shows works, and prints what the README says."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme", HERE / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme = _load()
TEXT = readme.README.read_text()


def shape(text: str) -> str:
    """Leave out numbers, and what follows from them: they differ from machine to machine."""
    text = re.sub(r"\d+ min \d+ s", "# s", text)
    text = re.sub(r"[-+]?[0-9][0-9.,e+-]*", "#", text)
    text = re.sub(r"not told apart(; # more seeds? would)?|better +|worse +", "VERDICT ", text)
    text = text.replace("no selection is told to be VERDICT than random\n", "")
    return re.sub(r" +", " ", text)


def test_every_command_prints_what_the_readme_says(elsewhere: Path, prune: Callable[..., Any]) -> None:
    shown = list(readme.commands(TEXT))
    assert len(shown) >= 5
    for command, output in shown:
        said = prune(*shlex.split(command, comments=True)[1:])
        assert said.code == 0, said.err
        assert shape(said.out.rstrip("\n")) == shape(output), command
