"""A Ray cluster as the place where units of work run: names go out, a few hundred bytes come back.

What a unit reads and writes lies in files that all nodes see; no array goes through Ray's object store. Ray
places units and tells of nodes that died. What is lost is begun again here and not by Ray, so that it is
said; what takes much longer than the others is begun a second time, and whichever ends first counts. A node
that cannot write, or is short of memory, gets no more units while there are others.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from prune.core.errors import DataError, OptionError, PruneError
from prune.system.executors.ray_connection import connected, head_of, require_answer
from prune.system.executors.unit_runs import UnitRuns

_ABSENT = 600.0  # seconds that nodes may be gone before the run ends
_HEADLESS = 20.0  # seconds that the head may be: after 60, Ray ends this process without a word of ours
_NODE = "ray.io/node-id"  # a label that every node has


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
        self._failing: set[str] = set()  # nodes that get no more of them
        self._head = ""  # its address
        self._answered = 0.0  # when it did

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
            self._failing.clear()
            self._head, self._answered = head_of(ray), time.monotonic()
            remote, needs = ray.remote(_attempt), self._needs
            wants: dict[str, Any] = {"num_cpus": 1, "num_gpus": needs["GPU"], "memory": needs["memory"]}
            wants |= {"max_retries": 0, "scheduling_strategy": "SPREAD"}

            def submit(block: Sequence[Any]) -> Any:
                if self._failing:
                    wants["label_selector"] = {_NODE: f"!in({','.join(sorted(self._failing))})"}
                return remote.options(**wants).remote(_version(), work, (*common, *block))

            def leave(node: str) -> bool:
                self._failing.add(node)
                return self._is_able(ray)

            units = UnitRuns(ray, submit, name, self._say, leave, hurries=self._hurries)
            try:
                yield from units.results(iter(blocks), self._room)
            finally:
                units.cancel()

    def _room(self, ray: Any) -> int:
        """Return how many units may run now; 0 while nodes are gone, which may come back.

        Raises
        ------
        DataError
            The head of the cluster is gone.
        """
        if not self._has_head():
            return 0
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

    def _has_head(self) -> bool:
        """Whether the head answers; whatever else is asked of it would wait for it."""
        try:
            require_answer(self._head)
        except OSError as error:
            if time.monotonic() - self._answered > _HEADLESS:
                what = f"the head of the Ray cluster at {self._head} is gone"
                raise DataError(what, "ray start --head, then the same command: it goes on") from error
            return False
        self._answered = time.monotonic()
        return True

    @property
    def _wants(self) -> str:
        """What a unit needs, in words."""
        return ", ".join(f"{least:g} {what}" for what, least in self._needs.items() if least)

    def _is_able(self, ray: Any) -> bool:
        """Whether some node could run a unit."""
        there = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in self._failing]
        nodes = [node["Resources"] for node in there]
        return any(all(node.get(what, 0) >= least for what, least in self._needs.items()) for node in nodes)

    def _require_room(self, ray: Any) -> None:
        """Raise `OptionError` where no node could ever run a unit: Ray would wait for one for ever."""
        if not self._is_able(ray):
            alive = sum(node["Alive"] for node in ray.nodes())
            raise OptionError(
                f"none of {alive} nodes of the Ray cluster has {self._wants} for a unit of work",
                "add a node that has: ray start --address ADDRESS; or leave --executor ray out",
            )


def _attempt(
    version: str, work: Callable[..., Any], given: Sequence[Any]
) -> tuple[bool, Any, tuple[str, str]]:
    """Do a unit on a node; return whether that worked, the answer or the error, and the node and its host."""
    import ray

    from prune.system.executors.worker_pool import TOLD

    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = "1"
    node = ray.get_runtime_context().get_node_id(), socket.gethostname()
    try:
        if _version() != version:
            raise _other_version(version)
        return True, work(*given), node
    except TOLD as error:
        return False, error, node


def _version() -> str:
    import prune

    return prune.__version__


def _other_version(wanted: str) -> PruneError:
    return OptionError(
        f"prune {_version()} is installed on {socket.gethostname()}, and {wanted} where this was typed",
        f"pip install dataset-prune=={wanted}   # on every node",
    )
