"""Hints that name options only, such as `--count 40`, as the whole command with them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from prune.commands.corrections import Line

_INSTEAD = {"--count": "--fraction", "--fraction": "--count"}  # one takes the place of the other


def typed_out(hint: str, words: Sequence[str], root: Any) -> str:
    """Return a hint that is nothing but options as the whole command; any other as it is.

    Parameters
    ----------
    words
        What was typed behind `prune`.
    root
        The list of commands, as the parser knows it.
    """
    line = Line(words, root)
    plain, mark, remark = hint.partition("   #")
    try:
        parts = shlex.split(plain.removeprefix("add ").removeprefix("use "))
    except ValueError:  # a quote that is a part of a sentence
        return hint
    given = _pairs(parts, line.options) if line.command is not None else []
    for name, value in given:
        line.words = _with(line, name, value)
    return f"{line.complete()}{mark}{remark}" if given else hint


def _pairs(words: Sequence[str], options: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Return (option, value) of words that are nothing but options; none where they are anything else."""
    found: list[tuple[str, str | None]] = []
    rest = list(words)
    while rest:
        name = rest.pop(0)
        param = options.get(name)
        if param is None or (not param.is_flag and (not rest or rest[0].startswith("--"))):
            return []
        value = None if param.is_flag else rest.pop(0)
        if value is not None and value.endswith(","):  # one of several that a sentence lists
            return []
        found.append((name, value))
    return found


def _with(line: Line, name: str, value: str | None) -> list[str]:
    """Return the words with an option, in the place of what it replaces."""
    gone = set() if value is None else {name, _INSTEAD.get(name, name)}
    kept = [line.words[0]]
    for at, owner in line.owners():
        same = name != "--set" or _name_set(line.words, at) == (value or "").partition("=")[0]
        if owner not in gone or not same:
            kept.append(line.words[at])
    return [*kept, name] if value is None else [*kept, name, value]


def _name_set(words: Sequence[str], at: int) -> str:
    """Return NAME of the `--set NAME=VALUE` that a word is a part of."""
    behind = words[at] == "--set" and at + 1 < len(words)
    return (words[at + 1] if behind else words[at].removeprefix("--set=")).partition("=")[0]
