"""Threads side by side, each of which computes its matrix products alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numba
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """As many threads as numba may use; a product is that of one thread, whatever their number."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(numba.get_num_threads()) as pool:
        yield pool
