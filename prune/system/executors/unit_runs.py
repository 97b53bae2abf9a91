"""Units of one call on a cluster: which run, which have ended, what is begun again and what a second time."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prune.core.errors import OutputError
from prune.system.executors.executor import BlockLostError

TRIES = 4  # a node that dies takes a unit with it, and so may the next
_GLANCE = 1.0  # seconds between two looks at the clock
_PATIENCE = 60.0  # seconds that a unit may take before it is begun elsewhere too
_SLOW = 4  # times the slowest that has ended, likewise
_OF_A_NODE = (OSError, OutputError, MemoryError)  # what another node may not run into
_REASONS = {
    "NodeDiedError": "a node died",
    "OutOfMemoryError": "a node was short of memory",
    "WorkerCrashedError": "a worker process or its node died",
}


@dataclass
class _Attempted:
    """A block that is being done somewhere."""

    number: int
    block: Sequence[Any]
    began: float
    tries: int = 1


class UnitRuns:
    """The units of one call: which run, which have ended."""

    def __init__(
        self,
        ray: Any,
        submit: Callable[[Sequence[Any]], Any],
        name: Callable[..., str] | None,
        say: Callable[[str], None],
        leave: Callable[[str], bool],
        *,
        hurries: bool = True,
    ) -> None:
        self._ray, self._submit, self._name, self._say = ray, submit, name, say
        self._leave = leave  # a node; whether there is another one
        self._hurries = hurries
        self._running: dict[Any, _Attempted] = {}
        self._ended: dict[int, Any] = {}
        self._next = 0  # whose result is asked for
        self._slowest = 0.0

    def results(self, blocks: Iterator[Sequence[Any]], room: Callable[[Any], int]) -> Iterator[Any]:
        """Yield what each unit returns, in their order; `room` says how many may run."""
        numbered = enumerate(blocks)
        while True:
            free = room(self._ray) - len(self._running)
            for number, block in itertools.islice(numbered, max(0, free)):
                self._begin(number, block)
                free -= 1
            if not self._running and free <= 0:  # no node is there: some may begin once one is
                time.sleep(_GLANCE)
                continue
            if not self._running:
                return
            if free > 0 and self._hurries:  # all have begun, and there is room for some once more
                self._begin_late_ones_again(free)
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_GLANCE)
            for reference in ready:
                self._take(reference)
            while self._next in self._ended:
                yield self._ended.pop(self._next)
                self._next += 1

    def cancel(self) -> None:
        """Let go of what still runs."""
        for reference in list(self._running):
            self._let_go(reference)

    def _let_go(self, reference: Any) -> None:
        del self._running[reference]
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.cancel(reference, force=True)

    def _begin(self, number: int, block: Sequence[Any], tries: int = 1) -> None:
        self._running[self._submit(block)] = _Attempted(number, block, time.monotonic(), tries)

    def _take(self, reference: Any) -> None:
        if reference not in self._running:
            return  # begun twice, and the other one was first
        run = self._running.pop(reference)
        try:
            done, answer, (node, host) = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError:
            raise  # a bug, with the traceback of where it happened
        except self._ray.exceptions.RayError as error:
            self._lose(run, error)
            return
        if not done:
            if not isinstance(answer, _OF_A_NODE) or run.tries == TRIES or not self._leave(node):
                raise answer
            self._begin_again(run, f"{answer} on {host}, which gets no more")
            return
        self._slowest = max(self._slowest, time.monotonic() - run.began)
        self._ended[run.number] = answer
        for other in [key for key, its in self._running.items() if its.number == run.number]:
            self._let_go(other)  # nobody waits for the slower one

    def _lose(self, run: _Attempted, error: Exception) -> None:
        if run.tries == TRIES and not self._runs_elsewhere(run):
            raise BlockLostError(run.number, TRIES) from error
        self._begin_again(
            run, _REASONS.get(type(error).__name__, f"a unit was lost ({type(error).__name__})")
        )

    def _begin_again(self, run: _Attempted, reason: str) -> None:
        if self._runs_elsewhere(run):
            return
        self._say(f"{reason}: {self._called(run)} is done again elsewhere")
        self._begin(run.number, run.block, run.tries + 1)

    def _runs_elsewhere(self, run: _Attempted) -> bool:
        """Whether it was begun twice, and the other one goes on."""
        return any(other.number == run.number for other in self._running.values())

    def _called(self, run: _Attempted) -> str:
        return "its work" if self._name is None else self._name(*run.block)

    def _begin_late_ones_again(self, most: int) -> None:
        if not self._slowest:
            return  # none has ended: nobody knows how long one takes
        late = max(_PATIENCE, _SLOW * self._slowest)
        numbers = [run.number for run in self._running.values()]
        for run in sorted(self._running.values(), key=lambda run: run.began)[:most]:
            waited = time.monotonic() - run.began
            if waited > late and numbers.count(run.number) == 1:
                self._say(f"{self._called(run)} takes {waited:.0f} s: it is begun elsewhere too")
                self._begin(run.number, run.block, run.tries)
