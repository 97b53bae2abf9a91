"""Work side by side: what comes out does not depend on how many threads there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import numba
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """As many threads as numba may use; a product is that of one thread, whatever their number."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(numba.get_num_threads()) as pool:
        yield pool


def spread(size: int, work: Callable[[tuple[int, int]], None]) -> None:
    """Do `work` on spans that together are ``range(size)``, each once, in as many threads as numba has."""
    threads = min(numba.get_num_threads(), size)
    if threads <= 1:
        work((0, size))
        return
    edges = np.linspace(0, size, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pairwise(edges)))
