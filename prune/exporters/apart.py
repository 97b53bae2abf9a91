"""Parts of an export as units of work: written here one by one, or side by side elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder
from prune.system import files


def write_parts(
    job: ExportJob, folder: StagingFolder, names: Sequence[str], write: Callable[[str], None]
) -> Iterator[str]:
    """Write the parts of these names that are not finished; yield each as soon as it is.

    Parameters
    ----------
    write
        Writes one, in this process: `Exporter.unit` does it elsewhere.
    """
    missing = []
    for name in names:
        if folder.done(name):
            yield name
        else:
            missing.append(name)
    written = None if job.apart is None else job.apart(job, folder, missing)
    if written is None:
        for name in missing:
            write(name)
            yield name
        return
    with contextlib.closing(written):  # type: ignore[type-var]
        for name, listed in zip(missing, written, strict=True):
            folder.take(listed)
            yield name
    files.sweep(folder.path)  # what died elsewhere in the middle of a file has left it
