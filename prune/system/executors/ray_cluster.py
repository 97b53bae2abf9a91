"""A Ray cluster as the place where units of work run: names go out, a few hundred bytes come back.

What a unit reads and writes lies in files that all nodes see; no array goes through Ray's object store. Ray
places units and tells of nodes that died. What is lost is begun again here and not by Ray, so that it is
said; what takes much longer than the others is begun a second time, and whichever ends first counts.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prune.core.errors import OptionError, PruneError
from prune.system.executors.executor import BlockLostError
from prune.system.executors.ray_connection import connected

TRIES = 4  # a node that dies takes a unit with it, and so may the next
_GLANCE = 1.0  # seconds between two looks at the clock
_PATIENCE = 60.0  # seconds that a unit may take before it is begun elsewhere too
_SLOW = 4  # times the slowest that has ended, likewise
_ABSENT = 600.0  # seconds that nodes may be gone before the run ends
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


class RayCluster:
    """Runs units on a Ray cluster that is there.

    Parameters
    ----------
    address
        Where it is; None: as `RAY_ADDRESS` says, or the one that this machine belongs to.
    say
        Told when a unit was lost, or is late, and is begun again.
    memory
        Bytes that a unit takes, for Ray to place it by.
    gpu
        Whether it takes a GPU.
    most
        How many at once; 0: one a core of the cluster.
    hurries
        Whether a unit that is late is begun a second time.
    """

    def __init__(
        self,
        address: str | None,
        say: Callable[[str], None],
        *,
        memory: int,
        gpu: bool,
        most: int,
        hurries: bool = True,
    ) -> None:
        self._address, self._say, self._hurries = address, say, hurries
        self._needs = {"CPU": 1.0, "memory": float(memory), "GPU": float(gpu)}
        self._most = most
        self._short: float | None = None  # since when no node could run a unit

    def each(
        self,
        work: Callable[..., Any],
        common: Sequence[Any],
        blocks: Iterable[Sequence[Any]],
        *,
        name: Callable[..., str] | None = None,
    ) -> Iterator[Any]:
        """Yield the results; see `Executor`."""
        with connected(self._address) as ray:
            self._require_room(ray)
            remote = ray.remote(_attempt).options(
                num_cpus=1,
                num_gpus=self._needs["GPU"],
                memory=self._needs["memory"],
                max_retries=0,
                scheduling_strategy="SPREAD",
            )

            def submit(block: Sequence[Any]) -> Any:
                return remote.remote(_version(), work, (*common, *block))

            units = _UnitRuns(ray, submit, name, self._say, hurries=self._hurries)
            try:
                yield from units.results(iter(blocks), self._room)
            finally:
                units.cancel()

    def _room(self, ray: Any) -> int:
        """Return how many units may run now; 0 while nodes are gone, which may come back."""
        if not self._is_able(ray):
            now = time.monotonic()
            if self._short is None:
                self._short = now
                self._say(f"no node of the Ray cluster has {self._wants} now: waiting for one")
            if now - self._short > _ABSENT:
                self._require_room(ray)
            return 0
        self._short = None
        cores = int(ray.cluster_resources().get("CPU", 0))
        return max(1, min(cores, self._most) if self._most else cores)

    @property
    def _wants(self) -> str:
        """What a unit needs, in words."""
        return ", ".join(f"{least:g} {what}" for what, least in self._needs.items() if least)

    def _is_able(self, ray: Any) -> bool:
        """Whether some node could run a unit."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return any(all(node.get(what, 0) >= least for what, least in self._needs.items()) for node in nodes)

    def _require_room(self, ray: Any) -> None:
        """Raise `OptionError` where no node could ever run a unit: Ray would wait for one for ever."""
        if not self._is_able(ray):
            alive = sum(node["Alive"] for node in ray.nodes())
            raise OptionError(
                f"none of {alive} nodes of the Ray cluster has {self._wants} for a unit of work",
                "add a node that has: ray start --address ADDRESS; or leave --executor ray out",
            )


class _UnitRuns:
    """The units of one call: which run, which have ended."""

    def __init__(
        self,
        ray: Any,
        submit: Callable[[Sequence[Any]], Any],
        name: Callable[..., str] | None,
        say: Callable[[str], None],
        *,
        hurries: bool = True,
    ) -> None:
        self._ray, self._submit, self._name, self._say = ray, submit, name, say
        self._hurries = hurries
        self._running: dict[Any, _Attempted] = {}
        self._ended: dict[int, Any] = {}
        self._next = 0  # whose result is asked for
        self._slowest = 0.0

    def results(self, blocks: Iterator[Sequence[Any]], room: Callable[[Any], int]) -> Iterator[Any]:
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
            done, answer = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError:
            raise  # a bug, with the traceback of where it happened
        except self._ray.exceptions.RayError as error:
            self._lose(run, error)
            return
        if not done:
            raise answer
        self._slowest = max(self._slowest, time.monotonic() - run.began)
        self._ended[run.number] = answer
        for other in [key for key, its in self._running.items() if its.number == run.number]:
            self._let_go(other)  # nobody waits for the slower one

    def _lose(self, run: _Attempted, error: Exception) -> None:
        if any(other.number == run.number for other in self._running.values()):
            return  # begun twice, and the other one goes on
        if run.tries == TRIES:
            raise BlockLostError(run.number, TRIES) from error
        reason = _REASONS.get(type(error).__name__, f"a unit was lost ({type(error).__name__})")
        self._say(f"{reason}: {self._called(run)} is done again elsewhere")
        self._begin(run.number, run.block, run.tries + 1)

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


def _attempt(version: str, work: Callable[..., Any], given: Sequence[Any]) -> tuple[bool, Any]:
    """Do a unit on a node; return whether that worked, with the answer or the error."""
    from prune.system.executors.worker_pool import TOLD

    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"
    try:
        if _version() != version:
            raise _other_version(version)
        return True, work(*given)
    except TOLD as error:
        return False, error


def _version() -> str:
    import prune

    return prune.__version__


def _other_version(wanted: str) -> PruneError:
    return OptionError(
        f"prune {_version()} is installed on {socket.gethostname()}, and {wanted} where this was typed",
        f"pip install dataset-prune=={wanted}   # on every node",
    )
