"""Worker processes, each with a thread and a pipe of its own: one that dies is noticed and replaced once.

A pool of the standard library shares one pipe among its processes, and waits for ever for the rest of a
message whose writer was killed. Here the end of a process is the end of its pipe.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from multiprocessing import connection, resource_tracker
from typing import Any

from prune.core.errors import PruneError

TOLD = (PruneError, OSError, MemoryError)  # other errors are bugs: the process ends with a traceback
TRIES = 2


class WorkerDiedError(Exception):
    """The process of a task died, and the one that did the task again, too."""


class WorkerPool:
    """Processes that compute `work(*common, *task)`.

    Parameters
    ----------
    size
        How many processes; each starts with its first task.
    work, common
        A function of a module, and its first arguments, sent to a process once.
    say
        Told when a process died and its task is done again.
    name
        What a task is called then; None: its work.
    """

    def __init__(
        self,
        size: int,
        work: Callable[..., Any],
        *common: Any,
        say: Callable[[str], None],
        name: Callable[..., str] | None = None,
    ) -> None:
        self._job = (work, common)
        self._say, self._name = say, name
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="workers")
        self._own = threading.local()  # the member of a thread
        self._changing = threading.Lock()
        self._members: set[_Member] = set()
        self._closed = False

    def submit(self, *task: Any) -> Future[Any]:
        """Queue a task. Its future raises what the work raises, or `WorkerDiedError`."""
        return self._threads.submit(self._do, task)

    def close(self) -> None:
        """End all processes, whatever they are doing, and wait until they are gone."""
        with self._changing:
            self._closed = True
            for member in self._members:
                member.process.kill()
        self._threads.shutdown(cancel_futures=True)
        for member in self._members:
            member.end()

    def _do(self, task: tuple[Any, ...]) -> Any:
        for tried in range(TRIES):
            member = getattr(self._own, "member", None) or self._hire()
            try:
                done, answer = member.ask(task)
            except (EOFError, OSError):
                self._dismiss(member, task, last=tried + 1 == TRIES)
                continue
            if done:
                return answer
            raise answer
        raise WorkerDiedError

    def _hire(self) -> _Member:
        with self._changing:
            if self._closed:
                raise CancelledError
            self._own.member = member = _Member(*self._job)
            self._members.add(member)
        return member

    def _dismiss(self, member: _Member, task: tuple[Any, ...], *, last: bool) -> None:
        self._own.member = None
        with self._changing:
            if self._closed:
                return
            self._members.remove(member)
            how = member.end()  # nobody starts a process meanwhile: that looks for dead ones too
        if not last:
            what = "its work" if self._name is None else self._name(*task)
            self._say(f"a worker process {how}; another one does {what} again")


class _Member:
    """One process, and our end of its pipe."""

    def __init__(self, work: Callable[..., Any], common: tuple[Any, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work, common), daemon=True)
        with theirs, _interrupts_blocked():
            self.process.start()

    def ask(self, task: tuple[Any, ...]) -> tuple[bool, Any]:
        """Have a task done; return whether that worked, with the answer or the error."""
        self._pipe.send(task)
        answer: tuple[bool, Any] = self._pipe.recv()
        return answer

    def end(self) -> str:
        """Wait for the process and let it go; return in words how it ended."""
        self._pipe.close()
        self.process.join()
        code = self.process.exitcode or 0
        self.process.close()
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start a process that never sees Ctrl-C, from its first instruction on: it inherits the mask."""
    resource_tracker.ensure_running()  # which starting a process does too, and which unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: connection.Connection, work: Callable[..., Any], common: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # nobody is at the other end any more
        while True:
            task = pipe.recv()
            try:
                answer = (True, work(*common, *task))
            except TOLD as error:
                answer = (False, error)
            pipe.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only worker processes have a parent to wait for"
    connection.wait([parent.sentinel])
    os._exit(1)
