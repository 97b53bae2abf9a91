"""Every command that the program, its README, its pages or its examples name is one that can be typed."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune.cli import command_tree
from prune.core import method_names

Prune = Callable[..., Any]
HOME = Path(__file__).parents[2]
ROOT: Any = command_tree()
VERBS: dict[str, Any] = ROOT.commands
OPTIONS = {
    verb: {name: p for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")}
    for verb, command in VERBS.items()
}
EVERY = {name for known in OPTIONS.values() for name in known} | {"--help", "-h", "--version"}
COMPLETION = {"--install-completion", "--show-completion"}
FOREIGN = re.compile(r"(?:pip|uv|python|make|chmod|ulimit|rm|mv|git|ray start)\b[^\n]*")
COMMAND = re.compile(rf"\bprune ((?:{'|'.join(VERBS)})(?: [^\n`#]*)?)")
HOLE = "HOLE"  # what stands where a value is filled in


def _text(node: ast.expr) -> str | None:
    """A string as it is written, with a hole for each value; None for what is no string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or HOLE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{left or HOLE}{right or HOLE}"
    return None


def _strings() -> Iterator[tuple[str, str]]:
    for path in sorted((HOME / "prune").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(c) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr | ast.BinOp) for c in _below(n)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and id(node) not in inside and (text := _text(node)):
                yield f"{path.relative_to(HOME)}:{node.lineno}", text


def _below(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FormattedValue):
            yield child
            yield from _below(child)


def _pages() -> Iterator[tuple[str, str]]:
    for path in [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"```(?:console|sh)\n(.*?)```|`(prune [^`]*)`", text, re.DOTALL):
            yield str(path.relative_to(HOME)), "".join(block)
    for path in sorted(path for path in (HOME / "examples").rglob("*") if path.is_file()):
        yield str(path.relative_to(HOME)), path.read_text(encoding="utf-8").replace("\\\n", " ")


def _commands(texts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield (where, words) of each `prune VERB …` that is a command and not a sentence about one."""
    for where, text in texts:
        for found in COMMAND.findall(text):
            plain = re.split(r"   |\. |, |; | - |\)|…|\[|: ", found.strip())[0]
            try:
                yield where, shlex.split(plain)
            except ValueError:  # a quote that is a part of the sentence around it
                yield where, plain.replace("'", " ").replace('"', " ").split()


@pytest.fixture(scope="module")
def named() -> list[tuple[str, list[str]]]:
    """Return every command that is named, and where."""
    said, written = list(_commands(_strings())), list(_commands(_pages()))
    assert len(said) > 60
    assert len(written) > 60
    return said + written


def test_a_command_that_is_named_has_the_options_it_is_named_with(named: list[tuple[str, list[str]]]) -> None:
    wrong = []
    for where, (verb, *rest) in named:
        for word in rest:
            name = word.partition("=")[0].rstrip(",.:;")
            if name.startswith("--") and HOLE not in name and name.strip("-"):
                wrong += (
                    [] if name in OPTIONS[verb] or name == "--help" else [f"{where}: prune {verb} {name}"]
                )
    assert wrong == []


KINDS = {
    "--method": (*method_names.SELECTORS, "auto"),
    "--type": (*method_names.SCORES, "T", "T,…"),
    "--format": method_names.EXPORTERS,
    "--reweight": ("cluster", "nnls", "none"),
    "--quota": method_names.QUOTAS,
    "--as": method_names.READERS,
}


def test_a_command_that_is_named_has_values_that_exist(named: list[tuple[str, list[str]]]) -> None:
    wrong = []
    for where, words in named:
        for option, value in itertools.pairwise(words):
            for one in value.rstrip(".").split(","):
                if option in KINDS and HOLE not in one and one.islower() and not set("|{") & set(one):
                    wrong += [] if one in KINDS[option] else [f"{where}: {option} {one}"]
    assert wrong == []


MISTYPED = ("prune/commands/corrections.py", "prune/commands/other_names.py")  # what others call options


def test_every_option_that_a_sentence_names_exists() -> None:
    wrong = []
    for where, text in _strings():
        for name in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", FOREIGN.sub("", text)):
            if name not in EVERY | COMPLETION and not where.startswith(MISTYPED):
                wrong.append(f"{where}: {name}")
    assert wrong == []
