"""Every method there is, as the tables of the families list them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prune.errors import UnknownNameError
from prune.methods import Method


def families(only: str | None = None) -> dict[str, dict[str, Any]]:
    """Return {family: {method: summary, direction, options}}.

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


def _readers() -> dict[str, Any]:
    from prune.readers import READERS

    return {name: {"summary": summary} for name, summary in READERS.items()}


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
        name: {"summary": method.summary, "high": method.high, "options": method.options}
        for name, method in table.items()
    }
