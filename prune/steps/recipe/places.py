"""Files and folders that a recipe names: as seen from where the recipe lies."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from prune.core.object_names import address
from prune.core.option_words import FILES

_PLACES = FILES | {"path", "out", "plot"}
_OR_NAMES = {"drop_leaks", "no_leak", "test", "churn", "given"}  # files, or names of splits and selections
_OR_ON_THE_HUB = {"weights"}  # files, or names of models, which have a / in them too
_WORDS = {"drop_suspects": {"auto"}}  # that name no file


def placed(parameter: str, value: Any, folder: str) -> Any:
    """Return the value of a parameter, with what it names seen from here and not from `folder`."""
    if parameter in _OR_NAMES:
        return _each(value, lambda one: _joined(one, folder) if _is_there(one, folder) else one)
    if parameter in _OR_ON_THE_HUB:
        return _each(value, lambda one: here if os.path.lexists(here := _joined(one, folder)) else one)
    if parameter == "factory":
        file, colon, name = str(value).partition(":")
        return f"{_joined(file, folder)}{colon}{name}" if file.endswith(".py") else value
    if parameter not in _PLACES:
        return value
    names = _WORDS.get(parameter, set())
    return _each(value, lambda one: one if one in names else _joined(one, folder))


def _each(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [change(one) if isinstance(one, str) else one for one in value]
    return change(value) if isinstance(value, str) else value


def _is_there(name: str, folder: str) -> bool:
    return os.sep in name or os.path.lexists(_joined(name, folder))


def _joined(name: str, folder: str) -> str:
    """Return a path as seen from here; a whole one, an address or one in the same folder as written."""
    return address(name) or os.path.join(folder, name)  # noqa: PTH118 - a Path would take the end of `data/` away
