"""Pairs of images that resemble each other as re-encoded, resized or mirrored copies do.

Coarse vectors name the nearest few of every image, exactly; of those that are near, detail decides. How much
images resemble that are *not* copies differs from dataset to dataset: photographs hardly do, written digits
very much. So it is measured, on neighbours that are too far down the list to be copies, and the limit lies
well above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Images, Rows
from prune.modalities.image.thumbnail_vectors import coarse, detail, mirrored
from prune.store import Column

if TYPE_CHECKING:
    from prune.index.space import EmbeddingSpace

LEAST = 0.7  # of detail: on CIFAR-10, 95 % of what lies above are copies; those at JPEG quality 15 are too
MOST = 0.985  # whatever the dataset: copies at JPEG quality 75 are above it
_COARSE = 0.9  # of coarse colours: copies lie above
_CANDIDATES = 8  # nearest of each that are looked at
_UNLIKE = slice(4, 8)  # of those, which tell how much images resemble that are no copies
_SPREADS = 5.0  # robust standard deviations above them
_BLOCK = 1024  # images whose detail is looked at together
_MEASURED = 2048  # images on which the limit is measured, evenly spread
_FEW = 1000  # images of which the nearest are no measure: the fifth of sixty is like nothing
_POOL = 10_000  # images, at most, among which it is measured instead


class Thumbnails:
    """Rows of the column `images.32`, taken by number."""

    def __init__(self, column: Column, rows: Rows) -> None:
        self.rows, self.column = rows, column
        self._blocks = [block for _, block in column.blocks()]
        self._part = column.part_rows

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Rows) -> Images:
        """Return the images at these places among the rows."""
        rows = self.rows[places]
        taken = np.empty((len(rows), *self._blocks[0].shape[1:]), np.uint8)
        for number in np.unique(rows // self._part).tolist():
            here = rows // self._part == number
            taken[here] = self._blocks[number][rows[here] - number * self._part]
        return taken

    def space(self, *, flip: bool, device: str, memory: int) -> EmbeddingSpace:
        """Return the coarse vectors, as float16: they only name candidates."""
        from prune.index.space import EmbeddingSpace  # loads numba, which no other command needs

        parts = [coarse(mirrored(x) if flip else x).astype(np.float16) for x in self._in_order()]
        return EmbeddingSpace(np.concatenate(parts), device=device, memory=memory)

    def _in_order(self) -> Iterator[Images]:
        for start in range(0, len(self), _BLOCK):
            yield self.take(np.arange(start, min(start + _BLOCK, len(self))))


@dataclass(frozen=True)
class NearPairs:
    """Pairs, by row of the one dataset and of the other, best first for each row of the one."""

    one: Rows  # (p,)
    two: Rows  # (p,)
    similarity: npt.NDArray[np.float32]  # (p,) of detail, at most 1
    flipped: npt.NDArray[np.bool_]  # (p,) one is the mirror image of the other
    limit: float  # what counted as near
    unlike: float  # similarity of images that are no copies, the median


def near_pairs(
    one: Thumbnails,
    two: Thumbnails | None = None,
    *,
    device: str = "cpu",
    memory: int = 1 << 30,
    limit: float | None = None,
) -> NearPairs:
    """Return the pairs of `one` and `two` that are near; without `two`, those within `one`.

    Time O(n·m) short products, twice; memory 400 bytes an image, beside a few blocks.

    Parameters
    ----------
    limit
        Of the similarity of detail, instead of what is measured.
    """
    if not len(one) or not len(one if two is None else two):
        return _nothing(LEAST if limit is None else limit)
    found = [_found(one, two, flip=flip, device=device, memory=memory) for flip in (False, True)]
    unlike = np.concatenate([pairs.unlike for pairs in found])
    if limit is None and two is not None and len(two) < min(_FEW, len(one)):
        within = _unlike_within(one, device=device, memory=memory)
        unlike = max(unlike, within, key=limit_of)
    limit = limit_of(unlike) if limit is None else limit
    places, others, likeness, flipped = (
        np.concatenate([getattr(pairs, name) for pairs in found])
        for name in ("one", "two", "similarity", "flipped")
    )
    keep = likeness >= limit
    if two is None:  # a symmetric image is its own mirror image
        keep &= places != others
    order = np.lexsort((flipped, others, -likeness, places))
    order = order[keep[order]]
    rows = (one.rows[places[order]], (one if two is None else two).rows[others[order]])
    middle = float(np.median(unlike)) if len(unlike) else 0.0
    return NearPairs(*rows, likeness[order], flipped[order], limit, middle)


def _nothing(limit: float) -> NearPairs:
    rows, values = np.empty(0, np.int64), np.empty(0, np.float32)
    return NearPairs(rows, rows, values, np.empty(0, bool), limit, 0.0)


def limit_of(unlike: npt.NDArray[np.floating]) -> float:
    """Return the similarity above which images are copies, given that of images which are not.

    On Fisher's scale, artanh, where what is near 1 is told apart, five deviations above the median. The
    deviation is of the lower half: copies that got among them are in the upper one.
    """
    if not len(unlike):
        return LEAST
    scale = np.arctanh(np.clip(unlike.astype(np.float64), -0.9999, 0.9999))
    middle, low = np.median(scale), np.quantile(scale, 0.25)
    return float(np.clip(np.tanh(middle + _SPREADS * (middle - low) / 0.6745), LEAST, MOST))


def limit_within(one: Thumbnails, *, device: str, memory: int) -> tuple[float, float]:
    """Return the likeness that makes copies of images of one dataset, and that of such which are none."""
    unlike = _unlike_within(one, device=device, memory=memory) if len(one) else np.empty(0, np.float32)
    return limit_of(unlike), float(np.median(unlike)) if len(unlike) else 0.0


def _unlike_within(one: Thumbnails, *, device: str, memory: int) -> npt.NDArray[np.float32]:
    """Return how much images resemble others of their own dataset that are no copies."""
    some = Thumbnails(one.column, one.rows[:: -(-len(one) // _POOL)])
    return _found(some, None, flip=False, device=device, memory=memory).unlike


@dataclass(frozen=True)
class _Candidates:
    one: Rows
    two: Rows
    similarity: npt.NDArray[np.float32]
    flipped: npt.NDArray[np.bool_]
    unlike: npt.NDArray[np.float32]


def _found(one: Thumbnails, two: Thumbnails | None, *, flip: bool, device: str, memory: int) -> _Candidates:
    from prune.index.neighbours import nearest, nearest_to

    space = one.space(flip=flip, device=device, memory=memory)
    if two is None and not flip:
        near = nearest(space, _CANDIDATES)
    else:
        near = nearest_to(
            space, (one if two is None else two).space(flip=False, device=device, memory=memory), _CANDIDATES
        )
    likely = near.squares <= 2 - 2 * _COARSE
    likely &= (space.squared_norms() > 0)[:, None]
    places, at = np.nonzero(likely)
    others = near.rows[places, at]
    likeness = _likeness(one, one if two is None else two, places, others, flip=flip)
    some = np.arange(0, len(one), -(-max(len(one), 1) // _MEASURED))
    further = near.rows[some, _UNLIKE]
    pairs = np.repeat(some, further.shape[1]), further.ravel()
    unlike = _likeness(one, one if two is None else two, *pairs, flip=flip).reshape(further.shape)
    highest = unlike.max(1, initial=-1.0) if further.size else unlike.ravel()
    return _Candidates(places, others, likeness, np.full(len(places), flip), highest)


def _likeness(
    one: Thumbnails, two: Thumbnails, places: Rows, others: Rows, *, flip: bool
) -> npt.NDArray[np.float32]:
    """Return the product of detail of each pair."""
    values = np.empty(len(places), np.float32)
    for start in range(0, len(places), _BLOCK):
        span = slice(start, start + _BLOCK)
        mine = one.take(places[span])
        ours, theirs = detail(mirrored(mine) if flip else mine), detail(two.take(others[span]))
        values[span] = (ours.astype(np.float64) * theirs).sum(1)
    return values
