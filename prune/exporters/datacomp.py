"""The uids of the kept samples as DataComp's resharder takes them: sorted pairs of 64-bit numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np

from prune.core.errors import DataError
from prune.exporters.job import ExportJob
from prune.exporters.source_shards import write_records
from prune.exporters.staging.folder import StagingFolder
from prune.readers.fields.records import records_of
from prune.readers.lines.fields import value_at

FILE = "uids.npy"
_UID = re.compile(r"[0-9a-fA-F]{32}")


def datacomp(job: ExportJob, folder: StagingFolder, /, *, uid: str = "uid") -> None:
    """The uids of the kept samples, for DataComp's resharder: `uids.npy`, sorted pairs of uint64.

    `resharder.py -i SHARDS -o OUT -s uids.npy` then copies them. A uid is 32 hexadecimal digits, in a field
    of the sample (of its `.json`, record or row); else the key, where that is one.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.
    uid
        The field, or a path to it: `meta.uid`.

    Raises
    ------
    DataError
        A sample has none.
    """
    if not folder.done(FILE):
        with folder.part(FILE) as part:
            pairs = np.fromiter(_pairs(job, uid), "<u8,<u8", len(job))
            packed = io.BytesIO()
            np.save(packed, np.sort(pairs))
            part.write(FILE, packed.getvalue())
    write_records(job, folder)


def _pairs(job: ExportJob, uid: str) -> Iterator[tuple[int, int]]:
    samples = job.samples()
    records = records_of(job.reader, samples, [uid])
    for record, key in zip(records, samples["key"].to_pylist(), strict=True):
        said = value_at(record, uid)
        text = key if said is None else str(said).replace("-", "")
        if not _UID.fullmatch(text):
            what = f"has no field {uid!r}" if said is None else f"has {str(said)[:40]!r} in {uid!r}"
            raise DataError(
                f"{key} {what}, and a uid of DataComp is 32 hexadecimal digits", "--uid names another field"
            )
        yield int(text[:16], 16), int(text[16:], 16)
