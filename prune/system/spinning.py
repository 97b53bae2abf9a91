"""Threads of libraries that wait for each other give way to other processes soon, instead of burning a core.

OpenMP and BLAS read the environment when they are loaded, so this comes before them, and never over a value
that the user has set.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

from prune.system.cores import core_count, quota_of

_POLICY = "OMP_WAIT_POLICY"  # who sets it has decided how all of OpenMP waits
_OPENMP = {
    "GOMP_SPINCOUNT": "10000",  # GNU's: turns before a thread sleeps, microseconds and not milliseconds
    "KMP_BLOCKTIME": "1",  # LLVM's and Intel's: milliseconds, instead of 200
}
_BLAS = {"OPENBLAS_THREAD_TIMEOUT": "18"}  # 2¹⁸ ticks of the clock, 0.1 ms, instead of 2²⁶ or more
_COUNTS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")  # BLAS takes the first, too


def bound_spinning(environ: MutableMapping[str, str] = os.environ) -> None:
    """Say in the environment how long threads may spin, and how many there are where a quota leaves fewer."""
    bounds = _BLAS if _POLICY in environ else _BLAS | _OPENMP
    for name, value in bounds.items():
        environ.setdefault(name, value)
    if quota_of() is None:  # the libraries themselves look at the affinity mask, but not at the quota
        return
    for name in _COUNTS:
        environ.setdefault(name, str(core_count()))
