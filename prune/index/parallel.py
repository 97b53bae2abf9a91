"""Work on disjoint spans, side by side: what comes out does not depend on how many threads there are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np


def spread(size: int, work: Callable[[tuple[int, int]], None]) -> None:
    """Do `work` on spans that together are ``range(size)``, each once, in as many threads as numba has."""
    threads = min(numba.get_num_threads(), size)
    if threads <= 1:
        work((0, size))
        return
    edges = np.linspace(0, size, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, pairwise(edges)))
