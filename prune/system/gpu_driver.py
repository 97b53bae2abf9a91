"""Whether this machine may have a GPU, asked without loading torch, which takes seconds."""

from __future__ import annotations

import ctypes
import os
import sys

CUDA = "libcuda.so.1"  # the driver's library, by the name that torch loads it by
ROCM = "/dev/kfd"  # what AMD's driver computes through; torch calls its devices cuda, too


def may_have_gpu() -> bool:
    """Return False where no driver of a GPU is installed; otherwise torch knows.

    The driver is loaded but not started, since a process that started it can hand no work to its children.
    """
    if sys.platform == "darwin":
        return False
    if sys.platform != "linux" or "torch" in sys.modules:
        return True
    return os.path.exists(ROCM) or _loads(CUDA)  # noqa: PTH110 - a device, not a file


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
