"""Leaks: samples that are held-out samples too, or copies of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.steps.check.equal_samples import same_bytes, same_pixels, same_thumbnails, same_words
from prune.steps.check.held_out import HeldOut, held_out_thumbnails, open_held_out, readable, thumbnails
from prune.steps.check.near_pairs import NearPairs, Thumbnails, near_pairs
from prune.steps.check.near_texts import near_held_out
from prune.steps.dataset_session import Opened, opened, opened_under_lock
from prune.steps.expected_modality import holds_features
from prune.steps.settings import Settings
from prune.store import Store

KINDS = {  # of a leak, as they are listed
    "bytes": "the same bytes",
    "pixels": "the same pixels, encoded otherwise",
    "words": "the same words, but for case, spaces and punctuation",
    "word": "the same words but for one",
    "near": "images: re-encoded, resized or changed a little; texts: most runs of words",
    "mirrored": "the mirror image, exactly or nearly",
}
LEAK = "leak"  # the reason why a sample is not kept
_EQUAL = 0.98  # of detail: only pairs above it are decoded as a whole and compared


@dataclass(frozen=True)
class Leaks:
    """Samples of a dataset that stand for held-out ones: aligned arrays, by row."""

    source: str
    fingerprint: str  # of the held-out dataset
    held_out: int  # samples in it
    rows: Rows  # (p,) ascending
    partners: Rows  # (p,) rows of the held-out dataset
    partner_keys: list[str]
    kinds: list[str]  # of `KINDS`
    similarity: npt.NDArray[np.float32]  # (p,) 1 where they are equal
    limit: float | None = None  # the similarity that counts as near; None where none was measured
    unlike: float | None = None  # that of samples which are no copies, the median

    @property
    def described(self) -> dict[str, Any]:
        """What `selection.json` says of them."""
        return {
            "source": self.source,
            "fingerprint": self.fingerprint,
            "held_out": self.held_out,
            "samples": len(self.rows),
            "kinds": {kind: self.kinds.count(kind) for kind in KINDS if kind in self.kinds},
            "limit": self.limit,
            "unlike": self.unlike,
        }


def find_leaks(store: Store, source: str, settings: Settings, *, split: str | None = None) -> Leaks:
    """Compare every sample of a store's dataset with every one of a held-out dataset.

    Exact: by bytes, then by pixels. Near: see `near_pairs`. Of texts: by bytes, by words, then
    near; see `near_held_out`.

    Raises
    ------
    DataError, OptionError
        The held-out data cannot be read, or is of another kind.
    StoreError
        The store is missing or busy, or its dataset changed.
    """
    store.require()
    with opened(store, None, settings) as ready:
        return _leaks(ready, source, split)


def leaks_under_lock(store: Store, source: str, settings: Settings) -> Leaks:
    """Return what `find_leaks` finds, for the holder of the store's lock."""
    return _leaks(opened_under_lock(store, settings), source, None)


def _leaks(ready: Opened, source: str, split: str | None) -> Leaks:
    other = open_held_out(ready.store, source, split, ready.settings)
    found = _Found(len(ready.dataset))
    found.add(same_bytes(ready.dataset, other.dataset), "bytes")
    measured: dict[str, Any] = {}
    if ready.dataset.modality == "text":
        found.add(same_words(ready, other.opened), "words")
        _read(ready, other, found)
    elif not holds_features(ready.reader):  # whose rows have nothing but their numbers
        measured = _look(ready, other, found)
    rows = np.flatnonzero(found.partners >= 0)
    keys = other.dataset.samples["key"]
    partners = found.partners[rows]
    return Leaks(
        source=source,
        fingerprint=other.dataset.fingerprint,
        held_out=len(other.dataset),
        rows=rows,
        partners=partners,
        partner_keys=[keys[row].as_py() for row in partners.tolist()],
        kinds=[found.kinds[row] for row in rows.tolist()],
        similarity=found.similarity[rows],
        **measured,
    )


class _Found:
    """The best partner of each sample; what was found first stays."""

    def __init__(self, n: int) -> None:
        self.partners = np.full(n, -1, np.int64)
        self.similarity = np.zeros(n, np.float32)
        self.kinds: dict[int, str] = {}

    def add(self, partners: Rows, kind: str, similarity: float = 1.0) -> None:
        """Note partners, one a sample; −1 where there is none."""
        for row in np.flatnonzero((partners >= 0) & (self.partners < 0)).tolist():
            self.note(row, int(partners[row]), kind, similarity)

    def note(self, row: int, partner: int, kind: str, similarity: float) -> None:
        if self.partners[row] < 0:
            self.partners[row], self.similarity[row], self.kinds[row] = partner, similarity, kind


def _read(ready: Opened, other: HeldOut, found: _Found) -> None:
    """Compare texts without a partner with held-out ones, word for word."""
    rows = ready.dataset.usable
    rows = rows[found.partners[rows] < 0]
    near = near_held_out(ready, rows, other.opened, other.dataset.usable)
    of = (("word", near.one_word, near.share), ("near", near.runs, near.jaccard))
    for kind, partners, similarity in of:
        for at in np.flatnonzero(partners >= 0).tolist():
            found.note(int(rows[at]), int(partners[at]), kind, float(similarity[at]))


def _look(ready: Opened, other: HeldOut, found: _Found) -> dict[str, Any]:
    """Compare images by what is in them; return how it was decided what is near."""
    settings = ready.settings
    mine, theirs = thumbnails(ready, "samples"), held_out_thumbnails(other)
    one = Thumbnails(mine, readable(ready, mine))
    two = Thumbnails(theirs, readable(other.opened, theirs))
    settings.reporter.say(f"comparing {len(one):,} images with {len(two):,} held-out ones")
    pairs = near_pairs(one, two, device=settings.torch_device, memory=settings.memory_limit)
    rows, others = _worth_decoding(one.rows, same_thumbnails(one, two), pairs, found)
    equal = same_pixels(ready, other.opened, rows, others)
    for row, partner in zip(rows[equal].tolist(), others[equal].tolist(), strict=True):
        found.note(row, partner, "pixels", 1.0)
    for row, partner, similarity, flipped in zip(
        pairs.one.tolist(), pairs.two.tolist(), pairs.similarity.tolist(), pairs.flipped.tolist(), strict=True
    ):
        found.note(row, partner, "mirrored" if flipped else "near", similarity)
    return {"limit": pairs.limit, "unlike": pairs.unlike}


def _worth_decoding(rows: Rows, equal: Rows, pairs: NearPairs, found: _Found) -> tuple[Rows, Rows]:
    """Return pairs that may have equal pixels, of samples without a partner: the best of each."""
    alike = (pairs.similarity >= _EQUAL) & ~pairs.flipped
    likely = dict(zip(pairs.one[alike][::-1].tolist(), pairs.two[alike][::-1].tolist(), strict=True))
    likely |= {row: twin for row, twin in zip(rows.tolist(), equal.tolist(), strict=True) if twin >= 0}
    likely = {row: partner for row, partner in sorted(likely.items()) if found.partners[row] < 0}
    return np.array(list(likely), np.int64), np.array(list(likely.values()), np.int64)
