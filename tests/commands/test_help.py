"""Help: every option in a group, examples that parse, plain text as wide as the terminal."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Any

import pytest

from prune.cli import command_tree
from prune.commands.examples import CHAIN, EXAMPLES
from prune.commands.help import VerbTable
from prune.commands.options import GROUPS

VERBS: dict[str, Any] = command_tree().commands


def page(*words: str, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "prune", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    return result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_stands_in_a_group(verb: str) -> None:
    for param in VERBS[verb].params:
        assert param.rich_help_panel in GROUPS, param.name
        assert param.help, param.name


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_ends_with_examples_that_parse(verb: str) -> None:
    assert EXAMPLES[verb]
    for _, command in EXAMPLES[verb]:
        assert parsed(command) == verb


def parsed(command: str) -> str:
    """Return the verb of a command; raises where it does not parse."""
    name, verb, *words = shlex.split(command)
    assert name == "prune"
    VERBS[verb].make_context(verb, words)
    return verb


def test_the_list_of_verbs_is_whole_and_ends_with_the_chain(prune: Any) -> None:
    said = prune("-h")
    assert said.code == 0
    listed, _, chain = said.out.partition("Commands:")[2].partition("Examples:")
    words = "".join(listed.split())  # a line may end at a hyphen
    for verb, command in VERBS.items():
        assert "".join([verb, *command.help.split()]) in words
    assert [parsed(command) for _, command in CHAIN] == ["score", "select", "export", "demo"]
    assert [line.strip() for line in chain.splitlines()[2::2]] == [command for _, command in CHAIN]


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_every_option_and_fits_its_width(verb: str, prune: Any) -> None:
    said = prune(verb, "-h")
    assert said.code == 0
    assert said.out == prune(verb, "--help").out
    for param in VERBS[verb].params:
        assert (param.metavar if param.param_type_name == "argument" else param.opts[0]) in said.out
    headings = [line for line in said.out.splitlines() if line and not line.startswith((" ", "Usage:"))]
    assert headings == [f"{group}:" for group in (*GROUPS, "Examples") if f"{group}:" in headings]
    assert headings[-1] == "Examples:"
    assert "\x1b" not in said.out


def test_help_is_as_wide_as_the_terminal() -> None:
    widest = {}
    for columns in (40, 80, 160):
        for terminal in ("dumb", "xterm"):
            text = page("score", "--help", COLUMNS=str(columns), TERM=terminal, FORCE_COLOR="1")
            assert "╭" not in text
            widest[columns] = max(map(len, text.partition("Examples:")[0].splitlines()))
    assert widest[40] < 60 < widest[80] <= 80 < widest[160] <= 160


def test_no_box_breaks_where_the_output_is_ascii() -> None:
    assert "Examples:" in page("select", "-h", PYTHONIOENCODING="ascii:replace", LC_ALL="C")


def test_a_verb_is_made_once_and_alone() -> None:
    made: list[str] = []

    def one(store: str = "s") -> None:
        """Do one thing."""
        made.append(store)

    def two() -> None:
        """Do another."""

    table = VerbTable([one, two])
    assert list(table) == ["one", "two"]
    assert table._made == {}
    assert table["one"] is table["one"]
    assert list(table._made) == ["one"]
    assert table["one"].help == "Do one thing."
    table["one"].main(["--store", "t"], standalone_mode=False)
    assert made == ["t"]
    assert "three" not in table
