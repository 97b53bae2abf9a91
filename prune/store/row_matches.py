"""Rows of a dataset and of its earlier state, matched one to one: by content, then by key and label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array, Rows
from prune.store.samples import Dataset


@dataclass(frozen=True)
class RowMatches:
    """Which earlier row each row of a dataset is; −1 where it is none.

    Samples are matched one to one, in this order: the same key and content; the same content and label, by
    order; the same content, by order. Rows without a digest, which nobody could read, are the same where
    their key is.
    """

    old: Dataset
    new: Dataset
    sample: Rows  # (n,) the earlier row that is the same sample
    content: Rows  # (n,) an earlier row with the same bytes: also of one that stands there once more now

    @property
    def kept(self) -> int:
        """Samples that are still there, under whatever key."""
        return int((self.sample >= 0).sum())

    @property
    def moved(self) -> int:
        """Those of them that have another key."""
        rows = np.flatnonzero(self.sample >= 0)
        keys, before = self.new.samples["key"].take(rows), self.old.samples["key"].take(self.sample[rows])
        return int(pc.sum(pc.not_equal(keys, before)).as_py() or 0)

    @cached_property
    def relabelled(self) -> Rows:
        """Rows that are the same samples with another label, compared by its name."""
        rows = np.flatnonzero(self.sample >= 0)
        return rows[_names(self.new)[rows] != _names(self.old)[self.sample[rows]]]

    @cached_property
    def labelled_alike(self) -> Rows:
        """(n,) an earlier row with the same bytes and the same label; −1 where there is none."""
        rows = self.content.copy()
        there = np.flatnonzero(rows >= 0)
        other = _names(self.new)[there] != _names(self.old)[rows[there]]
        rows[there[other]] = -1
        return rows

    @property
    def changed(self) -> int:
        """Samples that have a key which was there before, and other content."""
        unmatched = self.new.samples["key"].filter(pa.array(self.sample < 0))
        return int(pc.sum(pc.is_in(unmatched, self.old.samples["key"])).as_py() or 0)

    @property
    def added(self) -> int:
        """Samples of which neither key nor content was there before."""
        return len(self.sample) - self.kept - self.changed

    @property
    def removed(self) -> int:
        """Earlier samples that are not there any more, neither by key nor by content."""
        gone = np.ones(len(self.old), bool)
        gone[self.sample[self.sample >= 0]] = False
        keys = self.old.samples["key"].filter(pa.array(gone))
        return len(keys) - int(pc.sum(pc.is_in(keys, self.new.samples["key"])).as_py() or 0)


def match_rows(old: Dataset, new: Dataset) -> RowMatches:
    """Match the rows of a dataset with those of its earlier state. Time O(n log n)."""
    codes = _codes(pa.chunked_array([*old.samples["digest"].chunks, *new.samples["digest"].chunks]))
    before, now = codes[: len(old)], codes[len(old) :]
    sample = _same_keys(old, new)
    there = sample >= 0
    sample[there] = np.where(before[sample[there]] == now[there], sample[there], -1)
    labels = _label_codes(old, new)
    for old_codes, new_codes in ((_pairs(before, labels[0]), _pairs(now, labels[1])), (before, now)):
        _match_in_order(sample, old_codes, new_codes)
    content = sample.copy()
    lacking = np.flatnonzero((sample < 0) & (now >= 0))
    known, first = np.unique(before, return_index=True)
    if len(known) and len(lacking):
        at = np.minimum(np.searchsorted(known, now[lacking]), len(known) - 1)
        content[lacking] = np.where(known[at] == now[lacking], first[at], -1)
    return RowMatches(old, new, sample, content)


def _codes(values: pa.ChunkedArray) -> Array:
    """Return a number for each value, equal for equal ones; −1 where there is none."""
    numbers = pc.fill_null(values.combine_chunks().dictionary_encode().indices, -1)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.int64)


def _same_keys(old: Dataset, new: Dataset) -> Rows:
    """Return the earlier row with the key of each row, no row twice; −1 where there is none."""
    places = pc.index_in(new.samples["key"], value_set=old.samples["key"].combine_chunks())
    rows = np.asarray(pc.fill_null(places, -1).to_numpy(), np.int64)
    _, first = np.unique(rows, return_index=True)  # keys that stand there twice are rejects
    once = np.full(len(rows), -1, np.int64)
    once[first] = rows[first]
    return once


def _names(dataset: Dataset) -> Array:
    """Return (n,) the label of each sample as text; the empty text where there is none."""
    return np.array([*dataset.classes, ""], object)[dataset.labels]


def _label_codes(old: Dataset, new: Dataset) -> tuple[Array, Array]:
    """Return numbers of the labels of both, equal where their names are."""
    known = {name: number for number, name in enumerate(dict.fromkeys([*old.classes, *new.classes, ""]))}

    def of(dataset: Dataset) -> Array:
        return np.array([known[name] for name in [*dataset.classes, ""]], np.int64)[dataset.labels]

    return of(old), of(new)


def _pairs(codes: Array, labels: Array) -> Array:
    """Return a number for each content with its label; −1 where there is no content."""
    most = int(labels.max(initial=0)) + 1
    return np.where(codes >= 0, codes * max(most, 1 << 32) + labels, -1)


def _match_in_order(sample: Rows, old_codes: Array, new_codes: Array) -> None:
    """Match what is not matched yet and has the same code: the first with the first, and so on."""
    taken = np.zeros(len(old_codes), bool)
    taken[sample[sample >= 0]] = True
    ours = np.flatnonzero((sample < 0) & (new_codes >= 0))
    theirs = np.flatnonzero(~taken & (old_codes >= 0))
    shared = np.intersect1d(new_codes[ours], old_codes[theirs])
    ours, theirs = ours[np.isin(new_codes[ours], shared)], theirs[np.isin(old_codes[theirs], shared)]
    place = np.searchsorted(shared, new_codes[ours]), np.searchsorted(shared, old_codes[theirs])
    size = len(ours) + len(theirs) + 1
    one, two = (codes * size + _turns(codes) for codes in place)
    _, here, there = np.intersect1d(one, two, assume_unique=True, return_indices=True)
    sample[ours[here]] = theirs[there]


def _turns(codes: Array) -> Array:
    """Return for each place how often its code stood before it."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(codes) else order
    turns = np.empty(len(codes), np.int64)
    turns[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return turns
