"""Where the units of a step run, by the settings: in this process, in processes beside it, or on a cluster.

A unit is a function of a module, told a text that all units of the step share and its own name. It reads the
store and the dataset, and writes a part under a name that its bytes decide, or returns a few hundred bytes.
So it may run in any order, in any place that sees the same files, and twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prune.core.errors import DataError
from prune.core.safe_text import size
from prune.steps.settings import Settings
from prune.system.executors.executor import BlockLostError, Executor, Processes, may_start_processes


def executor_for(
    settings: Settings, what: str, units: int, *, memory: int, gpu: bool = False
) -> Executor | None:
    """Return what runs units beside this process; None where they are done here.

    Parameters
    ----------
    what
        Is done to a unit, for what is said: `encode`.
    memory
        Bytes that a process takes, about: no more are started than fit.
    gpu
        Whether a unit takes a whole one, of a cluster.
    """
    say = settings.reporter.say
    if settings.executor == "ray":
        from prune.system.executors.ray_cluster import RayCluster

        return RayCluster(settings.address, say, memory=memory, gpu=gpu, most=settings.workers)
    count = min(settings.workers, units, settings.memory_limit // max(memory, 1))
    if count < 2 or not may_start_processes():
        return None
    say(f"{count} processes {what} {units} parts side by side, in about {size(count * memory)} of memory")
    return Processes(count, say)


def run_units(
    executor: Executor,
    work: Callable[..., Any],
    spec: str,
    units: Sequence[Any],
    *,
    name: Callable[..., str],
) -> Iterator[Any]:
    """Yield what each unit returns, in their order.

    Parameters
    ----------
    work, spec, units
        ``work(spec, unit)`` of every unit.
    name
        What a unit is called, for who is told that it is done again.

    Raises
    ------
    DataError
        What ran a unit died, again and again.
    """
    try:
        yield from executor.each(work, (spec,), [(unit,) for unit in units], name=name)
    except BlockLostError as error:
        lost = name(units[error.number])
        raise DataError(f"{lost} was lost {error.times} times: what worked on it died", _DIED) from error


_DIED = (
    'run again with --workers 0 (in a script of your own: call prune under `if __name__ == "__main__":`);'
    " if it dies again, memory is short"
)
