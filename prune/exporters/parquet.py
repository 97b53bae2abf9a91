"""Parquet files in the layout of the Hugging Face hub: `data/train-00000-of-00001.parquet`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from prune.exporters.job import ExportJob
from prune.exporters.other_splits import Form, write_splits
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.staging.part import ArrowSink
from prune.system.files import NewFile


def parquet(
    job: ExportJob, folder: StagingFolder, /, *, other_splits: Literal["copy", "link", "omit"] = "copy"
) -> None:
    """Parquet files with the features of the dataset; `datasets.load_dataset(folder)` reads them.

    From a Hugging Face dataset all columns are kept, in their order, and images are not decoded; from others
    the columns are `image`, `label` (where there are labels) and `__key__`. Weights that are not 1 are a
    column `weight`, multiplied by those that an export brings along; beside a `weight` of other origin they
    are `other_weight`.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.
    other_splits
        What becomes of the other splits of a Hugging Face dataset; `link` makes hard links.

    Raises
    ------
    OptionError
        Links are asked for, but the dataset is not made of parquet files.
    DataError
        The dataset is not the one that was scanned.
    """
    write_splits(job, folder, _FORM, other_splits)


def _write(out: NewFile, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    # Images do not compress, and statistics of their bytes help nobody.
    small = [f.name for f in schema if not pa.types.is_struct(f.type) and not pa.types.is_binary(f.type)]
    with pq.ParquetWriter(ArrowSink(out), schema, use_dictionary=small, write_statistics=small) as writer:
        for table in tables:
            writer.write_table(table)


_FORM = Form("parquet", "data/{split}-{number:05d}-of-{count:05d}.parquet", _write)
