"""A `.npy` file that nobody vouches for: mapped into memory, never unpickled, refused in one sentence."""

from __future__ import annotations

import re
import tokenize
import warnings
from pathlib import Path

import numpy as np

from prune.core.arrays import Array
from prune.core.errors import DataError
from prune.core.safe_text import one_line

_MAGIC, _ZIP = b"\x93NUMPY", b"PK"
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
# The header is a Python literal: numpy lets through whatever its parser and its types raise.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    RecursionError,
    SyntaxError,
    tokenize.TokenError,
)


def open_npy(path: Path) -> Array:
    """Map an array; what its header claims costs nothing.

    Raises
    ------
    DataError
        It is missing, cut short, damaged, not one array, or holds Python objects.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
        if magic.startswith(_ZIP):
            raise DataError(f"{path} holds several arrays", "write one array with numpy.save")
        if magic != _MAGIC:
            raise ValueError("it does not begin as numpy.save begins a file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file must not write to the terminal
            return np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        reason = one_line(_ADDRESS.sub("", str(error)) or type(error).__name__, 200)
        what = f"{path} cannot be read as .npy: {reason}"
        raise DataError(what, "write it with numpy.save, without objects") from error
