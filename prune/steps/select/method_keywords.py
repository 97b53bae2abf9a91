"""Options of methods as keywords of a function: its help shows each, with its type."""

from __future__ import annotations

import inspect
import operator
import typing
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, TypeVar

from prune.core.method_rows import Selector

F = TypeVar("F", bound=Callable[..., Any])


def with_keywords_of(methods: Iterable[Selector]) -> Callable[[F], F]:
    """Show the options of methods in the signature of a function that takes them as `**options`.

    Methods have defaults of their own for an option of one name, so that the one shown is None: whatever the
    method has.
    """

    def shown(function: F) -> F:
        types = keyword_types(methods)
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in types.items()
        ]
        function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        function.__annotations__ |= types
        return function

    return shown


def keyword_types(methods: Iterable[Selector]) -> dict[str, Any]:
    """Return the options of methods by name, in alphabetical order, with what any of them takes, and None."""
    found: dict[str, list[Any]] = {}
    for method in methods:
        hints = typing.get_type_hints(method.function)
        for name in method.options:
            found.setdefault(name, []).append(hints[name])
    return {name: reduce(operator.or_, [*found[name], None]) for name in sorted(found)}
