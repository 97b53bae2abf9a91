"""Labels that lie in a file of their own: they go into the export, in place of those that the source has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.exporters.class_ids import counts_up, source_ids
from prune.exporters.features import feature_of
from prune.exporters.job import ExportJob
from prune.exporters.table_files import with_column

LABEL = "label"


def is_relabelled(job: ExportJob) -> bool:
    """Whether labels replace those of the source."""
    return job.label_file is not None and bool(np.any(job.dataset.labels >= 0))


def say_labels(job: ExportJob) -> None:
    """Say whose labels the export has, where they are not those of the source."""
    if job.label_file is not None:
        job.reporter.say(f"the labels are those of {job.label_file.path.name}, in place of any in the source")


def label_feature(job: ExportJob) -> dict[str, Any]:
    """Return the column of labels as `datasets` calls it: a ClassLabel, where ids are places in a list."""
    named: dict[str, Any] = {"names": list(job.dataset.classes), "_type": "ClassLabel"}
    return named if counts_up(source_ids(job)) else dict(feature_of(pa.int64()))


def label_ids(job: ExportJob, rows: Rows) -> list[int | None]:
    """Return the ids that the labels of rows have in an export; None for a sample without."""
    ids = source_ids(job)
    return [None if label < 0 else ids[label] for label in job.dataset.labels[rows].tolist()]


def with_label(job: ExportJob, schema: pa.Schema) -> pa.Schema:
    """Return the columns of a file of the source with the labels that the export has."""
    if not is_relabelled(job):
        return schema
    return with_column(schema, LABEL, pa.int64(), label_feature(job))


def without_label(table: pa.Table) -> pa.Table:
    """Return rows of another split, which the file of labels says nothing of."""
    return labelled(table, [None] * len(table))


def labelled(table: pa.Table, ids: list[int | None]) -> pa.Table:
    """Return rows of the source with these labels, in place of their own or at the end."""
    column, place = pa.array(ids, pa.int64()), table.schema.get_field_index(LABEL)
    if place < 0:
        return table.append_column(LABEL, column)
    return table.set_column(place, LABEL, column)
