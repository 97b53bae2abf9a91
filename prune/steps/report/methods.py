"""Every method there is, as the tables of the families list them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prune.core import method_names
from prune.core.errors import UnknownNameError
from prune.core.methods import Method
from prune.steps.report.page import page_of

_ALSO = {"scorers": "scores", "formats": "exporters", "models": "encoders"}  # what families are called too


def families(only: str | None = None) -> dict[str, dict[str, Any]]:
    """Return {family: {method: summary, direction, options}}; of all families, or of one.

    Raises
    ------
    UnknownNameError
        There is no such family.
    """
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "readers": _readers,
        "encoders": _encoders,
        "proxies": _proxies,
        "scores": _scores,
        "selectors": _selectors,
        "exporters": _exporters,
    }
    if only is not None and only not in makers:
        raise UnknownNameError("family", only, makers)
    return {name: make() for name, make in makers.items() if only in {None, name}}


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
    from prune.exporters import EXPORTERS
    from prune.scorers import SCORERS
    from prune.selectors import SELECTORS

    if family == "readers":
        from prune.readers import READERS

        return page_of(family, name, READERS[name].open)
    if family == "proxies":
        from prune.proxy import PROXIES

        return page_of(family, name, PROXIES[name])
    if family == "encoders":
        from prune.encoders import ENCODERS

        return page_of(family, name, ENCODERS[name].function, ENCODERS[name])
    tables: dict[str, Mapping[str, Method]] = {
        "scores": SCORERS,
        "selectors": SELECTORS,
        "exporters": EXPORTERS,
    }
    method = tables[family][name]
    return page_of(family, name, method.function, method)


def _readers() -> dict[str, Any]:
    from prune.readers import READERS

    return {name: {"summary": format_.summary} for name, format_ in READERS.items()}


def _encoders() -> dict[str, Any]:
    from prune.encoders import ENCODERS

    return _describe(ENCODERS)


def _proxies() -> dict[str, Any]:
    from prune.proxy import PROXIES

    return {name: {"summary": (build.__doc__ or "").split("\n", 1)[0]} for name, build in PROXIES.items()}


def _scores() -> dict[str, Any]:
    from prune.scorers import SCORERS

    return _describe(SCORERS)


def _selectors() -> dict[str, Any]:
    from prune.selectors import SELECTORS

    return _describe(SELECTORS)


def _exporters() -> dict[str, Any]:
    from prune.exporters import EXPORTERS

    return _describe(EXPORTERS)


def _describe(table: Mapping[str, Method]) -> dict[str, Any]:
    return {
        name: {"summary": method.summary, "high": getattr(method, "high", ""), "options": method.options}
        for name, method in table.items()
    }
