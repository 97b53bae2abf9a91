"""Every method there is, as the tables of the families list them; what computes is not loaded for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from prune.core import method_names, method_source
from prune.core.errors import UnknownNameError
from prune.core.methods import Method
from prune.steps.report.method_page import page_of

_ALSO = {"scorers": "scores", "formats": "exporters", "models": "encoders"}  # what families are called too
_TABLES = {
    "encoders": ("prune.encoders", "ENCODERS"),
    "scores": ("prune.scorers", "SCORERS"),
    "selectors": ("prune.selectors", "SELECTORS"),
    "exporters": ("prune.exporters", "EXPORTERS"),
}
Found = TypeVar("Found")


def families(only: str | None = None) -> dict[str, dict[str, Any]]:
    """Return {family: {method: summary, direction, options}}; of all families, or of one.

    Raises
    ------
    UnknownNameError
        There is no such family.
    """
    if only is not None and only not in method_names.FAMILIES:
        raise UnknownNameError("family", only, method_names.FAMILIES)
    return {name: _described(name) for name in method_names.FAMILIES if only in {None, name}}


def family_called(word: str) -> str | None:
    """Return the family that a word names, in the singular too; None where it names none."""
    for name in (word, f"{word}s", f"{word.removesuffix('y')}ies"):
        family = _ALSO.get(name, name)
        if family in method_names.FAMILIES:
            return family
    return None


def pages(name: str) -> dict[str, dict[str, Any]]:
    """Return {family: {name: page}} for every family that has a method of this name.

    Raises
    ------
    UnknownNameError
        None has.
    """
    pages = {
        family: {name: _page(family, name)}
        for family, known in method_names.FAMILIES.items()
        if name in known
    }
    if not pages:
        every = {*method_names.FAMILIES, *(one for known in method_names.FAMILIES.values() for one in known)}
        raise UnknownNameError("method", name, every)
    return pages


def _page(family: str, name: str) -> dict[str, Any]:
    if family in _TABLES:
        method = _table(family)[name]
        return page_of(family, name, method.function, method)
    if family == "readers":
        return page_of(family, name, _readers()[name].open)
    return page_of(family, name, _read(method_source.function, "prune.proxy.models", name))


def _described(family: str) -> dict[str, Any]:
    if family == "readers":
        return {name: {"summary": reader.summary} for name, reader in _readers().items()}
    if family == "proxies":
        found = {
            name: _read(method_source.function, "prune.proxy.models", name) for name in method_names.PROXIES
        }
        return {name: {"summary": (build.__doc__ or "").split("\n", 1)[0]} for name, build in found.items()}
    return {
        name: {"summary": method.summary, "high": getattr(method, "high", ""), "options": method.options}
        for name, method in _table(family).items()
    }


def _readers() -> Mapping[str, Any]:
    return _read(method_source.entries, "prune.readers", "READERS")


def _table(family: str) -> Mapping[str, Method]:
    return _read(method_source.rows, *_TABLES[family])


def _read(read: Callable[[str, str], Found], module: str, name: str) -> Found:
    """Read what a module says by a name, or load it where there is no source."""
    try:
        return read(module, name)
    except (method_source.UnreadError, OSError):
        loaded: Found = getattr(importlib.import_module(module), name)
        return loaded
