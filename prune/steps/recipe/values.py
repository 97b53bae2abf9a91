"""Values of a recipe: whether they are of the type that a parameter has, and how they are written."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ARTICLES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a text"}
_LIKE = {bool: "true", int: "10", float: "0.3", str: '"text"', Path: '"text"'}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value that was read from a file can stand for a parameter of this type."""
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return any(fits(value, one) for one in of)
    if origin is typing.Literal:
        return value in of
    if origin is tuple:
        return isinstance(value, list) and len(value) == len(of) and all(map(fits, value, of))
    if origin is Sequence:  # of which one may stand alone
        return all(fits(one, of[0]) for one in (value if isinstance(value, list) else [value]))
    if origin is Mapping:
        return isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values())
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float)
    return isinstance(value, str if hint is Path else hint) if isinstance(hint, type) else False


def kind_of(hint: Any) -> str:
    """Say in words which values fit a type."""
    return " or ".join(dict.fromkeys(_kinds(hint)))


def _kinds(hint: Any) -> list[str]:
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return [kind for one in of if one is not type(None) for kind in _kinds(one)]
    if origin is typing.Literal:
        return [f"one of {', '.join(map(str, of))}"]
    if origin is tuple:
        return [f"a list of {' and '.join(_ARTICLES[one] for one in of)}"]
    if origin is Sequence:
        return ["a list"]
    return ["a table"] if origin is Mapping else [_ARTICLES[hint]]


def example(hint: Any, value: Any) -> str:
    """Return a value that fits, written as in a file: the one that was probably meant, where that is told."""
    for meant in (_unquoted(value), str(value), [value]):
        if meant is not None and not isinstance(value, dict | list | bool) and fits(meant, hint):
            return written(meant)
    first = hint
    while typing.get_origin(first) is not None:
        origin, of = typing.get_origin(first), typing.get_args(first)
        if origin is typing.Literal:
            return written(of[0])
        if origin is tuple:
            return f"[{', '.join(_LIKE[one] for one in of)}]"
        if origin is Sequence:
            return '["text"]'
        if origin is Mapping:
            return '{ name = "text" }'
        first = float if float in of else next(one for one in of if one is not type(None))
    return _LIKE[first]


def _unquoted(value: Any) -> Any:
    """Return the number or the truth that a text holds, if it does."""
    if not isinstance(value, str):
        return None
    try:
        read = json.loads(value)
    except ValueError:
        return None
    return read if isinstance(read, int | float) else None


def written(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {written(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return _text(str(value))


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else _text(name)


def _text(text: str) -> str:
    """Return a basic string; JSON writes the same escapes, but for the one control that it leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
