"""Compiling inner loops to machine code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile to machine code, kept on disk where there is a place; other threads run on meanwhile.

    What is kept goes by a name that stands for all that is compiled in: numba itself asks whether the file of
    the function is as it was, and nothing of the files that its callees and numbers come from.
    """
    plain = cast(FunctionType, function)
    plain.__qualname__ += f"_{_compiled_in(plain)}"
    try:
        return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package nor the home folder can be written to
        return cast(F, njit(nogil=True, error_model="numpy")(function))


def _compiled_in(function: FunctionType) -> str:
    """Return what stands for the file of a function, and for the kernels and numbers that it imports."""
    found = hashlib.sha256()
    source = Path(function.__code__.co_filename)
    if source.is_file():  # else it is a part of an archive, which numba looks at
        found.update(source.read_bytes())
    for name, value in sorted(function.__globals__.items()):
        if isinstance(value, Dispatcher):  # its name stands for what is compiled into it
            found.update(f"{name} {value.py_func.__qualname__}\n".encode())
        elif isinstance(value, bool | int | float | np.generic) and not name.startswith("__"):
            found.update(f"{name} {value!r}\n".encode())
    return found.hexdigest()[:12]
