"""The manifest alone: files that describe the selection, for trainers that read the source by row."""

from __future__ import annotations

from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder


def manifest(job: ExportJob, folder: StagingFolder, /) -> None:
    """Only the selection: manifest.parquet, indices.npy, keys.txt, selection.json."""
    if not folder.done("records"):
        with folder.part("records") as part:
            for name, data in sorted(job.records.items()):
                part.write(name, data)
