"""Samples as tar bytes: members made from an image, a label and what else a sample has."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator

import numpy as np

from prune.core.arrays import Rows
from prune.exporters.carried_fields import carried
from prune.exporters.job import ExportJob
from prune.exporters.labels import label_ids
from prune.exporters.member_form import member_form, members_for
from prune.exporters.weights import WEIGHT, free_name
from prune.system.files import NewFile

BLOCK = 512
CLASS = "cls"  # the member of the class id
END = 2 * BLOCK  # a tar ends with two blocks of zeros
_WAITING = 4 << 20  # bytes that are written at once


def write_samples(job: ExportJob, rows: Rows, keys: list[str], out: NewFile) -> None:
    """Append an image and a class id for each sample, and end the tar; equal samples are equal bytes.

    `keys` are those of the members, aligned with `rows`.
    """
    ids, weights, form = class_ids(job, rows), weights_of(job, rows), member_form(job)
    samples = zip(keys, ids, weights, job.payloads(rows), carried(job, rows), strict=True)

    def made() -> Iterator[bytes]:
        for key, class_id, weight, data, more in samples:
            members = {job.form.suffix_of(data): data}
            if class_id is not None:
                members[CLASS] = class_id
            members |= {name: held for name, held in members_for(more, form).items() if name not in members}
            if weight is not None:
                members[free_name(WEIGHT, members)] = weight
            yield from (member(f"{key}.{name}", held) for name, held in members.items())
        yield bytes(END)

    write_together(made(), out)


def write_together(pieces: Iterable[bytes], out: NewFile) -> None:
    """Append small pieces, many at once."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) > _WAITING:
            out.write(bytes(waiting))
            waiting.clear()
    out.write(bytes(waiting))


def class_ids(job: ExportJob, rows: Rows) -> list[bytes | None]:
    """Return the class ids of rows as the text of members; None for a sample without a label."""
    return [None if id_ is None else str(id_).encode() for id_ in label_ids(job, rows)]


def weights_of(job: ExportJob, rows: Rows) -> list[bytes | None]:
    """Return the weights of rows as the text of members; None for each where all are 1."""
    if job.weights is None:
        return [None] * len(rows)
    return [repr(float(weight)).encode() for weight in job.weights[np.searchsorted(job.rows, rows)]]


def member(name: str, data: bytes) -> bytes:
    """Return a member: its header, its bytes, zeros up to a whole block."""
    return _header(name, len(data)) + data + bytes(-len(data) % BLOCK)


def _header(name: str, size: int) -> bytes:
    """Return a ustar header, as `tarfile` makes it, with a PAX record where the name needs one."""
    encoded = name.encode(errors="surrogateescape")
    if len(encoded) > _SHORT or not name.isascii():
        info = tarfile.TarInfo(name)  # mode 0644, and no time, no owner
        info.size = size
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    header = bytearray(_TEMPLATE)
    header[: len(encoded)] = encoded
    header[124:135] = b"%011o" % size
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


_SHORT = 100  # bytes of a name without a record
_TEMPLATE = bytearray(tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT))
_TEMPLATE[148:156] = b" " * 8  # a checksum counts itself as spaces
