"""Words of the command line that need no validator: typer's is pydantic, slower to load than most verbs.

What is plainly right is taken as it is; of anything else typer decides, and words the error.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_UNSURE = object()  # typer is asked
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_SPECIAL = ("min", "max", "clamp", "parser", "exists", "resolve_path", "writable", "allow_dash", "path_type")


class PlainValue:
    """What typer keeps with a parameter to turn words into values, in front of typer's own."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of the parameter's type."""
        found = _plain(value, param)
        if found is not _UNSURE:
            return found
        param._runtime_param = None  # typer makes its own when it is asked, and keeps it
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def take_plain_values(params: Iterable[Any]) -> None:
    """Let the parameters of a command take what is plainly right without a validator."""
    for param in params:
        made = getattr(param, "_runtime_param", _UNSURE)  # other versions of typer may have no such thing
        if made is None and hasattr(param, "get_runtime_param") and not _is_special(param):
            param._runtime_param = PlainValue()


def _is_special(param: Any) -> bool:
    info = param.type_descriptor.parameter_info
    checked = not (info.file_okay and info.dir_okay and info.case_sensitive)
    return checked or any(getattr(info, name, None) not in {None, False} for name in _SPECIAL)


def _plain(value: Any, param: Any) -> Any:
    kind, many = param.type_descriptor.annotation, param.multiple or param.nargs == -1
    if value is None:
        return () if many else None
    if many:
        plain = (
            kind == list[str] and isinstance(value, list | tuple) and {type(one) for one in value} <= {str}
        )
        return list(value) if plain else _UNSURE
    if type(value) is kind and (kind in {str, bool, int, float} or issubclass(kind, enum.Enum)):
        return value
    if kind is Path and isinstance(value, Path | str) and str(value).isprintable() and value:
        barred = param.type_descriptor.parameter_info.readable and not os.access(value, os.R_OK)
        return _UNSURE if barred and os.path.lexists(value) else Path(value)
    return _read(value, kind) if type(value) is str else _UNSURE


def _read(word: str, kind: Any) -> Any:
    if kind is int and _WHOLE.fullmatch(word):
        return int(word)
    if kind is float and _NUMBER.fullmatch(word):
        return float(word)
    if isinstance(kind, type) and issubclass(kind, enum.Enum) and word in {one.value for one in kind}:
        return kind(word)
    return _UNSURE
