"""Hints as they can be typed: options alone as the whole command, a command for the store that was named."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.commands.corrections import Line
from prune.core.store_option import in_store

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
    if line.command is None:
        return hint
    given = _pairs(parts, line.options)
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


def placed(hint: str, words: Sequence[str], root: Any) -> str:
    """Return a hint with commands of ours, for the store and the dataset that were typed.

    Where it is written nobody knows whether there is a `--store`, nor what DATA is: it would be about another
    store, or about nothing.
    """
    line = Line(words, root)
    plain, mark, remark = hint.partition("   #")
    if line.command is None or "--store" in hint or not _COMMAND.search(plain):
        return hint
    typed = line.value_of("--store") if "--store" in line.options else None
    if plain.startswith("prune "):
        wanted = remark.strip() == "name it"  # the store knows a dataset, and not where it is now
        data = _data_of(line) or ("" if _knows_dataset(typed) and not wanted else "DATA")
        plain = _DATA.sub(f" {data}" if data else "", plain)

    def about(found: re.Match[str]) -> str:
        command = line.root.commands.get(found[1])
        takes = command is not None and any("--store" in param.opts for param in command.params)
        return in_store(found[0], typed) if typed and takes else found[0]

    return f"{_COMMAND.sub(about, plain)}{mark}{remark}"


_COMMAND = re.compile(r"(?<![\w/.'\"-])(?<!same )prune ([a-z]+)(?=[ ,:;]|$)")  # also within a sentence
_DATA = re.compile(
    r"(?<!--target)(?<!--test)(?<!--no-leak)(?<!--drop-leaks) DATA\b"
)  # that of a verb, and not of an option


def _data_of(line: Line) -> str | None:
    """Return what was typed as DATA, as it has to be typed."""
    loose = [line.words[at] for at in line.loose] if line.places else []
    return shlex.quote(loose[0]) if len(loose) == 1 and line.argument == "DATA" else None


def _knows_dataset(store: str | None) -> bool:
    """Whether a store is there and knows its dataset, so that DATA may be left out."""
    folder = Path(store or os.environ.get("PRUNE_STORE") or ".prune")
    try:
        return bool(json.loads((folder / "store.json").read_text(encoding="utf-8")).get("dataset"))
    except (OSError, ValueError, AttributeError):
        return False
