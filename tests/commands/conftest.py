"""The command line as a user types it, in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from prune import cli


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def prune(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run `prune WORDS…`; return the exit code and what was printed."""

    def run(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["prune", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run
