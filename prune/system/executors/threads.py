"""Threads side by side: what comes out does not depend on how many there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from prune.system import cores


def thread_count() -> int:
    """Return how many threads may be used: the smaller of numba's number and `cores.thread_count`.

    As numba itself finds its number, which would take loading it.
    """
    told = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(int(told) if told.isdecimal() and int(told) else cores.core_count(), cores.thread_count())


@contextmanager
def steady() -> Iterator[None]:
    """Products by one thread each, whose last bits do not depend on how many there are."""
    with _libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:  # noqa: ARG001 - another import may load another library
    """Find the libraries that have threads of their own, which takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for work whose products are those of one thread each, whatever their number.

    When interrupted, nothing new is begun; what runs is waited for at the end of the program, so it is short.
    """
    pool, done = ThreadPoolExecutor(thread_count()), False
    try:
        with steady():
            yield pool
        done = True
    finally:
        pool.shutdown(wait=done, cancel_futures=not done)


def spread(size: int, work: Callable[[tuple[int, int]], None]) -> None:
    """Do `work` on spans that together are ``range(size)``, each once, in as many threads as there may be."""
    count = min(thread_count(), size)
    if count <= 1:
        work((0, size))
        return
    edges = np.linspace(0, size, count + 1).astype(int).tolist()
    with threads() as pool:
        list(pool.map(work, pairwise(edges)))
