"""Parts of an export as units of work: written here one by one, or side by side elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder


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
    for name, files in zip(missing, written, strict=True):
        folder.take(files)
        yield name
