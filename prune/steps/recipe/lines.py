"""Where the keys of a TOML text stand: the line of each, by its path.

`tomllib` reads the text and keeps no positions. This walks over a text that `tomllib` has read, so it may
take for granted that the text is well formed: it finds where a statement ends, and lets `tomllib` itself
read the names of keys and tables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

KeyPath = tuple[str | int, ...]  # of an array of tables, also which of them

_OPEN, _CLOSE = "[{", "]}"


def lines_of(text: str) -> dict[KeyPath, int]:
    """Return the line of every table and key; keys inside of an inline table stand where that begins."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement in _statements(text.replace("\r\n", "\n")):
        if statement.startswith("["):
            array = statement.startswith("[[")
            name = _names(statement[2:] if array else statement[1:], "]")
            table = _current(name[:-1] if array else name, counts)
            if array:
                home = (*table, name[-1])
                counts[home] = counts.get(home, -1) + 1
                lines.setdefault(home, line)
                table = (*home, counts[home])
            lines.setdefault(table, line)
        else:
            path: KeyPath = table
            for name_ in _names(statement, "="):
                path = (*path, name_)
                lines.setdefault(path, line)
    return lines


def _current(names: tuple[str, ...], counts: dict[KeyPath, int]) -> KeyPath:
    """Return the path of a table: `[select.set]` belongs to the last `[[select]]` before it."""
    path: KeyPath = ()
    for name in names:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    return path


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text from there on) of each header and each `key = value`."""
    at, line = 0, 1
    while at < len(text):
        if text[at] in " \t\n":
            end = at + 1
        elif text[at] == "#":
            end = _line_end(text, at)
        else:
            yield line, text[at : _line_end(text, at)]
            end = _statement_end(text, at)
        line += text.count("\n", at, end)
        at = end


def _statement_end(text: str, at: int) -> int:
    """Return where the line ends that is outside of strings, brackets and comments."""
    depth = 0
    while at < len(text):
        one = text[at]
        if one == "\n" and not depth:
            return at
        if one in "\"'":
            at = _string_end(text, at)
            continue
        if one == "#":
            at = _line_end(text, at)
            continue
        depth += (one in _OPEN) - (one in _CLOSE)
        at += 1
    return at


def _string_end(text: str, at: int) -> int:
    quote = text[at]
    mark = quote * 3 if text.startswith(quote * 3, at) else quote
    at += len(mark)
    while not text.startswith(mark, at):
        at += 2 if text[at] == "\\" and quote == '"' else 1
    at += len(mark)
    while len(mark) > 1 and text.startswith(quote, at):  # a string may end with quotes of its own
        at += 1
    return at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _names(statement: str, stop: str) -> tuple[str, ...]:
    """Return the names of a dotted key, which ends where `stop` stands outside of quotes."""
    end = 0
    while statement[end] != stop:
        end = _string_end(statement, end) if statement[end] in "\"'" else end + 1
    held: Any = tomllib.loads(f"{statement[:end]} = 0")
    names = []
    while isinstance(held, dict):
        ((name, held),) = held.items()
        names.append(name)
    return tuple(names)
