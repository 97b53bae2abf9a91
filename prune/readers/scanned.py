"""Payloads as they were when they were scanned: one that changes during a long run does not pass unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from prune.core.errors import StoreError
from prune.modalities import MODALITIES
from prune.modalities.image.decode_settings import PLAIN, Decoding
from prune.readers.sample import Reader

_TAKE = 4096  # keys and digests held at once


@dataclass(frozen=True)
class Scanned:
    """A reader that compares every payload with its digest in the sample table."""

    reader: Reader
    decoding: Decoding = PLAIN  # of images, all alike

    def payloads(self, samples: pa.Table) -> Iterator[Any]:
        """Yield the payload of each row.

        Raises
        ------
        StoreError
            One is not that which was scanned.
        """
        digests = MODALITIES[self.reader.modality].digests
        for (key, digest), payload in zip(_digests(samples), self.reader.payloads(samples), strict=True):
            if digest is not None and digest not in digests(payload):
                raise StoreError(
                    f"stale: {key} changed while it was read",
                    "run the command again when the data is at rest",
                )
            yield payload


def _digests(samples: pa.Table) -> Iterator[tuple[str, bytes | None]]:
    for part in samples.select(["key", "digest"]).to_batches(max_chunksize=_TAKE):
        yield from zip(part["key"].to_pylist(), part["digest"].to_pylist(), strict=True)
