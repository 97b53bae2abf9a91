"""Parts of an export as units of work: written here, by one thread or several, or side by side elsewhere."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder
from prune.system import files
from prune.system.side_thread import SideThread


def write_parts(
    job: ExportJob,
    folder: StagingFolder,
    names: Sequence[str],
    write: Callable[[str], None],
    *,
    threads: int = 1,
) -> Iterator[str]:
    """Write the parts of these names that are not finished; yield each as soon as it is.

    Parameters
    ----------
    write
        Writes one, in this process: `Exporter.unit` does it elsewhere.
    threads
        How many parts are written at a time in this process.
    """
    missing = []
    for name in names:
        if folder.done(name):
            yield name
        else:
            missing.append(name)
    written = None if job.apart is None else job.apart(job, folder, missing)
    if written is None:
        yield from _written(missing, write, min(threads, len(missing)))
        return
    with contextlib.closing(written):  # type: ignore[type-var]
        for name, listed in zip(missing, written, strict=True):
            folder.take(listed)
            yield name
    files.sweep(folder.path)  # what died elsewhere in the middle of a file has left it


def _written(names: Sequence[str], write: Callable[[str], None], threads: int) -> Iterator[str]:
    """Write parts; yield each in its order, once it is there. Two are begun for each thread, no more."""
    if threads < 2:
        for name in names:
            write(name)
            yield name
        return
    begun = collections.deque[tuple[str, Future[None]]]()
    with contextlib.ExitStack() as ends:
        sides = [ends.enter_context(contextlib.closing(SideThread())) for _ in range(threads)]
        for place, name in enumerate(names):
            begun.append((name, sides[place % threads].begin(write, name)))
            if len(begun) == 2 * threads:
                yield _waited_for(*begun.popleft())
        while begun:
            yield _waited_for(*begun.popleft())


def _waited_for(name: str, written: Future[None]) -> str:
    written.result()
    return name
