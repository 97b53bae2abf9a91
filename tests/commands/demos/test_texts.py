"""The chain on texts, on a few of them: what it prints can be typed, and its result is as the schema says."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from prune.commands.demos import texts
from prune.commands.demos.snippets import write_snippets
from prune.commands.output_schema import output_schema


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put every twentieth snippet where the demo takes them as they are."""
    monkeypatch.chdir(tmp_path)
    whole = write_snippets(tmp_path / "whole")
    Path("prune demo").mkdir()
    for path in (whole.pool, whole.test, whole.wanted):
        lines = path.read_bytes().splitlines(keepends=True)
        (Path("prune demo") / path.name).write_bytes(b"".join(lines[::20]))
    monkeypatch.setattr(texts, "_SEEDS", 1)


@pytest.mark.usefixtures("few")
def test_the_chain_runs_and_what_it_prints_can_be_typed(prune: Callable[..., Any]) -> None:
    said = prune("demo", "--text", "--out", "prune demo", "--device", "cpu")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    typed = [shlex.split(line, comments=True) for line in lines if line.startswith("prune ")]
    assert [words[1] for words in typed] == ["embed", "score", "select", "export", "evaluate", "report"]
    head = lines.index(next(line for line in lines if line.startswith("domain ")))
    table = [line.split() for line in lines[head + 1 : head + 5]]
    assert [row[0] for row in table] == ["movie", "news", "product", "tweet"]
    assert [row[1] for row in table] == ["50"] * 4
    assert sum(int(row[2]) for row in table) == 40
    assert int(table[0][2]) > 10  # of what is aimed at, more than by chance
    for words in typed:
        again = prune(*words[1:], "--device", "cpu")
        assert again.code == 0, again.err
        assert "unchanged" in again.out or words[1] in {
            "select",
            "evaluate",
            "report",
        }  # of them the times change
    told = json.loads(prune("demo", "--text", "--out", "prune demo", "--device", "cpu", "--json").out)
    jsonschema.validate(told, output_schema("demo"))
    assert set(told) == {"embed", "score", "select", "export", "evaluate", "report"}
