"""Where blocks of work run: a function of names and row ranges, that returns little or writes a part.

`ThisProcess`, `Processes`, and `RayCluster` for blocks that are units of work (`prune.steps.unit_executor`):
what they need is said in their arguments, and lies on a disk that all machines share. What comes out does not
depend on which, nor on how many.

Processes decode images, which Python does on one core a process. Products they do not: the neighbours of
16,000 × 512 take 3.7 seconds of CPU time in the threads of one process, which share what they look at, 4.8
block by block, and 6.7 in two processes, which first load it all.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

_AHEAD = 2  # blocks that wait for each process


class BlockLostError(Exception):
    """What ran a block died, and so did what ran it again; `number` counts from 0."""

    def __init__(self, number: int, times: int) -> None:
        super().__init__(f"block {number} was lost {times} times")
        self.number, self.times = number, times


class Executor(Protocol):
    """Runs blocks of work."""

    def each(
        self,
        work: Callable[..., Any],
        common: Sequence[Any],
        blocks: Iterable[Sequence[Any]],
        *,
        name: Callable[..., str] | None = None,
    ) -> Iterator[Any]:
        """Yield ``work(*common, *block)`` of every block, in their order; few are begun ahead.

        Parameters
        ----------
        work
            A function of a module; `common` is sent to where it runs once.
        name
            ``name(*block)`` is what is said to be done again when what ran it died; None: its work.

        Raises
        ------
        BlockLostError
            What ran a block ended without an answer, again and again.
        """


def may_start_processes() -> bool:
    """Whether this process may have others: not a daemonic one, such as a worker of a pool of somebody's."""
    import multiprocessing

    return not multiprocessing.current_process().daemon or is_starting()


def is_starting() -> bool:
    """Whether this process belongs to another one and still runs its script, which has no guard.

    What it asks of that other process would never come: that one waits until it has started.
    """
    process = sys.modules.get("multiprocessing.process")
    return process is not None and bool(getattr(process.current_process(), "_inheriting", False))


class ThisProcess:
    """Runs every block here, when its result is asked for."""

    def each(
        self,
        work: Callable[..., Any],
        common: Sequence[Any],
        blocks: Iterable[Sequence[Any]],
        *,
        name: Callable[..., str] | None = None,  # noqa: ARG002 - whoever dies here takes us along
    ) -> Iterator[Any]:
        """Yield the results; see `Executor`."""
        for block in blocks:
            yield work(*common, *block)


class Processes:
    """Runs blocks in processes of their own, each with one thread of products; they end with the last result.

    Parameters
    ----------
    count
        How many, at least 1.
    say
        Told when a process died and its block is done again.
    """

    def __init__(self, count: int, say: Callable[[str], None]) -> None:
        self.count, self._say = count, say

    def each(
        self,
        work: Callable[..., Any],
        common: Sequence[Any],
        blocks: Iterable[Sequence[Any]],
        *,
        name: Callable[..., str] | None = None,
    ) -> Iterator[Any]:
        """Yield the results; see `Executor`."""
        from prune.system.executors.worker_pool import TRIES, WorkerDiedError, WorkerPool

        pool = WorkerPool(self.count, _alone, work, *common, say=self._say, name=name)
        waiting: deque[Future[Any]] = deque()
        done = 0
        try:
            for block in blocks:
                waiting.append(pool.submit(*block))
                if len(waiting) > self.count * _AHEAD:
                    yield waiting.popleft().result()
                    done += 1
            while waiting:
                yield waiting.popleft().result()
                done += 1
        except WorkerDiedError as error:
            raise BlockLostError(done, TRIES) from error
        finally:
            pool.close()


def _alone(work: Callable[..., Any], *given: Any) -> Any:
    """Do a block on one core: the others have blocks of their own."""
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"
    return work(*given)
