"""One thread beside this one, that does what it is handed, in order.

Where the system gives no thread, what is handed over is done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Words = ParamSpec("Words")
Result = TypeVar("Result")


class SideThread:
    """Starts its thread when there is something to do for it; `close` ends it."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def begin(
        self, call: Callable[Words, Result], *words: Words.args, **named: Words.kwargs
    ) -> Future[Result]:
        """Begin a call; its result can be waited for."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1)
        try:
            return self._pool.submit(call, *words, **named)
        except RuntimeError:  # no thread can begin: what was handed over never will
            self._pool = None
        done: Future[Result] = Future()
        done.set_result(call(*words, **named))
        return done

    def close(self) -> None:
        """Wait for what is being done, and end the thread; what was not begun yet never will be."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
