"""Compiling inner loops to machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile to machine code, kept on disk where there is a place; other threads run on meanwhile."""
    try:
        return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package nor the home folder can be written to
        return cast(F, njit(nogil=True, error_model="numpy")(function))
