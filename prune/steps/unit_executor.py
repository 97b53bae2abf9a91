"""Where the units of a step run, by the settings: in this process, in processes beside it, or on a cluster.

A unit is a function of a module, told a text that all units of the step share and its own name. It reads the
store and the dataset, and writes a part under a name that its bytes decide, or returns a few hundred bytes.
So it may run in any order, in any place that sees the same files, and twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prune.core.errors import DataError, StoreError
from prune.core.safe_text import size
from prune.steps.settings import Settings
from prune.store import ColumnWriter, Dataset, Store
from prune.store.column_files import find_file, is_as_written
from prune.system.executors.executor import BlockLostError, Executor, Processes, may_start_processes


def executor_for(
    settings: Settings,
    what: str,
    units: int,
    *,
    memory: int,
    gpu: bool = False,
    of: str = "parts",
    goes_on: bool = False,
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
    of
        What units are, for what is said.
    goes_on
        Whether a unit goes on from where one that died was: it is not begun twice, to be done at once.
    """
    say = settings.reporter.say
    if settings.executor == "ray":
        from prune.system.executors.ray_cluster import RayCluster

        return RayCluster(
            settings.address, say, memory=memory, gpu=gpu, most=settings.workers, hurries=not goes_on
        )
    count = min(settings.workers, units, settings.memory_limit // max(memory, 1))
    if count < 2 or not may_start_processes():
        return None
    say(f"{count} processes {what} {units} {of} side by side, in about {size(count * memory)} of memory")
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


def dataset_of(store: Store, fingerprint: str) -> Dataset:
    """Return the dataset that a unit is about.

    Raises
    ------
    StoreError
        The store does not lie here.
    """
    dataset = store.earlier_dataset(fingerprint)
    if dataset is None:
        raise StoreError(f"{store.path} is not here, or holds another dataset", SHARED)
    return dataset


def part_there(writer: ColumnWriter, number: int) -> str | None:
    """Return the name of the file of a part; None where it is to be made."""
    file = find_file(writer.folder, "part", number)
    return file.name if file is not None and is_as_written(file) else None


def part_made(writer: ColumnWriter, number: int) -> str:
    """Return the name of the file of a part that was made just now."""
    file = find_file(writer.folder, "part", number)
    assert file is not None, f"part {number} was not written"
    return file.name


def require_here(writer: ColumnWriter, file: str) -> None:
    """Refuse a part that was made, and does not lie in this store: its folder is not that of the others.

    Raises
    ------
    StoreError
        It is not there.
    """
    if not (writer.folder / file).is_file():  # its bytes are looked at where the column is read
        raise StoreError(
            f"{file} of {writer.name} was made elsewhere, and is not in {writer.folder}",
            "name a folder that all machines share: --store DIR",
        )


SHARED = "let all machines see the same files at the same places: store, dataset and weights"
_DIED = (
    'run again with --workers 0 (in a script of your own: call prune under `if __name__ == "__main__":`);'
    " if it dies again, memory is short"
)
