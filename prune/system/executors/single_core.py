"""Work of one core each, side by side: what comes out depends on the pieces of work, not on how many threads.

A kernel that runs on one thread has no barrier, at which others would spin while they wait for one that has
to wait for another process; and it adds up in one order.
"""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

_AHEAD = 2  # pieces of work a thread that are begun or done, and not yet asked for


class SingleCorePool:
    """Threads that each compute with torch on one core; the caller's, where there is to be one only.

    Parameters
    ----------
    threads
        How many, at least 1.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._scope = contextlib.ExitStack()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> SingleCorePool:
        self._scope.enter_context(one_core())
        if self._threads > 1:
            self._pool = ThreadPoolExecutor(self._threads, "single-core", _stay_alone)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)  # what has begun is short, and has our tensors
        self._scope.close()

    def each(
        self, work: Callable[[Item], Found], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Callable[[], Found]]]:
        """Do `work` on every item; yield, in their order, each with what returns its result, or raises.

        In one thread, the work is done when the result is asked for.
        """
        if self._pool is None:
            for item in items:
                yield item, functools.partial(work, item)
            return
        begun: deque[tuple[Item, Future[Found]]] = deque()
        try:
            for item in items:
                begun.append((item, self._pool.submit(work, item)))
                if len(begun) >= _AHEAD * self._threads:
                    done, answer = begun.popleft()
                    yield done, answer.result
            while begun:
                done, answer = begun.popleft()
                yield done, answer.result
        finally:  # whoever asked may have enough
            for _, answer in begun:
                answer.cancel()


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Let torch compute in this thread alone; the number of its threads is restored after."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _stay_alone() -> None:
    import torch

    torch.set_num_threads(1)
