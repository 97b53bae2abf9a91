"""Errors for keyword arguments that no verb has: the nearest one that it has."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prune.core.errors import UnknownKeywordError
from prune.steps.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")


def named(verb: Callable[P, R]) -> Callable[P, R]:
    """Check the names of keyword arguments before the call; the signature stays as it is."""
    known = inspect.signature(verb).parameters

    @functools.wraps(verb)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise UnknownKeywordError(verb.__name__, name, known, _setting(name))
        return verb(*args, **kwargs)

    return checked


def _setting(name: str) -> str:
    """Where a keyword that every command line takes is given in Python."""
    if name in {field.name for field in dataclasses.fields(Settings)}:
        return f"settings=prune.Settings({name}=…)"
    return ""
