"""A dataset saved to disk: Arrow files and the JSON beside them that the `datasets` library reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Literal

import pyarrow as pa

from prune.core.redaction import without_secrets
from prune.exporters import tables
from prune.exporters.job import ExportJob
from prune.exporters.other_splits import Form, split_name, write_splits
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.staging.part import ArrowSink
from prune.readers.huggingface import HuggingFace
from prune.system import files
from prune.system.files import NewFile

_PROSE = ("citation", "description", "homepage", "license")


def huggingface(
    job: ExportJob, folder: StagingFolder, /, *, other_splits: Literal["copy", "link", "omit"] = "copy"
) -> None:
    """A DatasetDict saved to disk; `load_from_disk` and `load_dataset` both read it.

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
        Links are asked for, but the dataset is not made of Arrow files.
    DataError
        The dataset is not the one that was scanned.
    """
    splits = write_splits(job, folder, _FORM, other_splits)
    digests = [folder.files[name]["sha256"] for names in splits.values() for name in names]
    piece = " ".join(["description of", *digests])  # one that a killed run made of other files is not done
    if folder.done(piece):
        return
    prose = _prose(job)
    with folder.part(piece) as part:
        for split, names in splits.items():
            features = tables.features_of(pa.ipc.open_stream(folder.path / names[0]).schema)
            part.write(f"{split}/dataset_info.json", files.json_bytes(prose | {"features": features}))
            part.write(f"{split}/state.json", files.json_bytes(_state(folder, split, names)))
        order = [split_name(job), *(split for split in splits if split != split_name(job))]
        part.write("dataset_dict.json", files.json_bytes({"splits": order}))


def _write(out: NewFile, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with pa.ipc.new_stream(ArrowSink(out), schema) as writer:
        for table in tables:
            writer.write_table(table)


_FORM = Form("arrow", "{split}/data-{number:05d}-of-{count:05d}.arrow", _write)


def _state(folder: StagingFolder, split: str, names: list[str]) -> dict[str, Any]:
    content = "".join(folder.files[name]["sha256"] for name in names)
    return {
        "_data_files": [{"filename": PurePosixPath(name).name} for name in names],
        "_fingerprint": hashlib.sha256(content.encode()).hexdigest()[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }


def _prose(job: ExportJob) -> dict[str, Any]:
    """Return what the source says of itself in words; sizes and checksums no longer hold."""
    prose = dict.fromkeys(_PROSE, "")
    if isinstance(job.reader, HuggingFace) and job.reader.kind == "arrow":
        first = (job.reader.root / job.samples(job.rows[:1])["shard"][0].as_py()).parent / "dataset_info.json"
        if first.exists():
            said = files.read_json(first)
            prose |= {name: without_secrets(said[name]) for name in _PROSE if isinstance(said.get(name), str)}
    return prose
