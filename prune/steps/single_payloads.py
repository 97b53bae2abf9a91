"""The payloads of a few samples, to be looked at: what cannot be read is an error in its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError, PruneError
from prune.modalities import MODALITIES
from prune.readers import Reader
from prune.readers.captions import Captions
from prune.steps.dataset_session import Opened

CHANGED = "it is another file than the one that was scored"


def single_payloads(opened: Opened, samples: pa.Table, captions: Captions | None = None) -> Iterator[Any]:
    """Yield the payload of each row, or the error that is in its place: also of what changed since.

    Of `captions`, where they are given, instead: these have no digest to be compared with.
    """
    if captions is not None:
        yield from _read(captions, samples)
        return
    digests = MODALITIES[opened.dataset.modality].digests
    for known, payload in zip(samples["digest"].to_pylist(), _read(opened.reader, samples), strict=True):
        changed = not isinstance(payload, Exception) and known is not None and known not in digests(payload)
        yield DataError(CHANGED) if changed else payload


def _read(source: Reader | Captions, samples: pa.Table) -> Iterator[Any]:
    at = 0
    while at < len(samples):  # after what cannot be read, from the next one on
        try:
            for payload in source.payloads(samples.slice(at)):
                yield payload
                at += 1
        except (PruneError, OSError, ValueError) as error:  # the last of pyarrow, about a damaged table
            yield error
            at += 1
