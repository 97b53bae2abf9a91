"""Samples that are equal to one another: by their bytes, by their pixels, by their words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.modalities.image import decode
from prune.modalities.text.batches import ROOM, read_texts
from prune.modalities.text.plain_words import plain_words, words_digest
from prune.steps.check.near_pairs import Thumbnails
from prune.steps.dataset_session import Opened
from prune.store import Dataset

_BLOCK = 1024


def same_bytes(one: Dataset, two: Dataset) -> Rows:
    """Return for each sample of `one` the first of `two` with the same digest; −1 where there is none."""
    ours, theirs = one.samples["digest"].combine_chunks(), two.samples["digest"].combine_chunks()
    return _first(ours, theirs, two.usable)


def same_words(one: Opened, two: Opened) -> Rows:
    """Return for each text of `one` the first of `two` that has the same words; −1 where there is none."""
    return _first(words_of(one), words_of(two), two.dataset.usable)


def same_thumbnails(one: Thumbnails, two: Thumbnails) -> Rows:
    """Return for each image of `one`, by place, the first row of `two` with equal thumbnail; −1 if none.

    What has equal pixels has equal thumbnails: also an image of one colour, which resembles nothing.
    """
    found = _first(digests_of(one), digests_of(two), np.arange(len(two)))
    return np.where(found >= 0, two.rows[found], -1) if len(two) else found


def same_pixels(one: Opened, two: Opened, rows: Rows, others: Rows) -> npt.NDArray[np.bool_]:
    """Say of pairs of readable images whether all their pixels are equal; both are decoded as a whole.

    Memory: two images.
    """
    return np.fromiter(
        (a == b for a, b in zip(_whole(one, rows), _whole(two, others), strict=True)), bool, len(rows)
    )


def _first(ours: pa.Array, theirs: pa.Array, usable: Rows) -> Rows:
    theirs = theirs.take(pa.array(usable))
    at = pc.index_in(ours, value_set=theirs, skip_nulls=True)
    places = pc.fill_null(at, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(places >= 0, usable[places], -1) if len(usable) else np.full(len(ours), -1)


def words_of(opened: Opened) -> pa.Array:
    """Return what stands for the words of each text; null where it cannot be read."""
    digests: list[bytes | None] = []
    samples = opened.dataset.samples
    for _, texts in read_texts(opened.reader, samples, room=ROOM):
        digests += [words_digest(plain_words(text)) for text in texts]
    unusable = samples["reason"].is_valid().to_numpy(zero_copy_only=False)
    return pa.array([None if out else d for out, d in zip(unusable, digests, strict=True)], pa.binary())


def digests_of(images: Thumbnails) -> pa.Array:
    """Return what stands for each thumbnail, bit by bit."""
    digests: list[bytes] = []
    for start in range(0, len(images), _BLOCK):
        block = images.take(np.arange(start, min(start + _BLOCK, len(images))))
        digests += [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in block]
    return pa.array(digests, pa.binary())


def _whole(opened: Opened, rows: Rows) -> Iterator[tuple[Sequence[int], bytes]]:
    """Yield size and pixels of the images of these rows, in this order."""
    source = opened.images
    for row in rows.tolist():
        payload: Any = next(source.payloads(opened.dataset.samples.slice(row, 1)))
        image = decode(payload, source.decoding)
        yield image.size, image.tobytes()
