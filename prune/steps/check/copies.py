"""Copies within a dataset: samples that are near duplicates of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.safe_text import counted
from prune.modalities.text.near_duplicates import THRESHOLD, WORDS, NearSearch, sketches
from prune.steps.check.chosen_again import chosen_again
from prune.steps.check.conditions import CheckedSelection, Outcome, measured
from prune.steps.check.equal_samples import digests_of
from prune.steps.check.held_out import readable, thumbnails
from prune.steps.check.near_pairs import Thumbnails, limit_within, near_pairs
from prune.steps.dataset_session import Opened, opened, opened_under_lock
from prune.steps.expected_modality import holds_features
from prune.steps.settings import Settings
from prune.steps.text_payloads import texts_of
from prune.store import Store

COPY = "copy"  # the reason why a sample is not kept
_LISTED = 1000


@dataclass(frozen=True)
class SampleCopies:
    """Samples that are copies of others which stand before them in the dataset: aligned arrays, by row."""

    rows: Rows  # (p,) ascending
    of: Rows  # (p,) of each the first one that stays
    rule: str  # what counted as a copy

    @property
    def described(self) -> Mapping[str, Any]:
        """What `selection.json` says of them."""
        return {"samples": len(self.rows), "rule": self.rule}


@dataclass(frozen=True)
class _Pairs:
    later: Rows  # (p,) rows
    earlier: Rows  # (p,) of each one before it that it is like
    rule: str


def copies(checked: CheckedSelection, most: float) -> Outcome:
    """Return the share of kept samples that are copies of a kept one which stands before them in the dataset.

    So of two that are alike one counts, as one could go. Equal bytes, or near as `near_pairs` says, of texts
    as `NearSearch` does.
    """
    kept, keys = checked.rows, checked.manifest["key"]
    with opened(checked.store, None, checked.settings) as ready:
        found = _without_copies(_pairs(ready, kept))
    value = len(found.rows) / max(len(kept), 1)
    listed = [
        {"key": keys[row].as_py(), "partner": keys[of].as_py()}
        for row, of in zip(found.rows[:_LISTED].tolist(), found.of[:_LISTED].tolist(), strict=True)
    ]
    of = f"{len(found.rows):,} of {counted(len(kept), 'kept sample')}"
    return Outcome(
        condition="--max-duplicates",
        value=value,
        limit=most,
        passed=value <= most,
        detail=f"{of}, copies of others that are kept; {found.rule}",
        listed=listed,
        advice=chosen_again(checked.stored, {}, "--drop-duplicates"),
    )


def copies_under_lock(store: Store, left_out: Rows, settings: Settings) -> SampleCopies:
    """Return the copies among the samples that are not left out already, for the holder of the store's lock.

    As `copies` counts them, so that none is left for it: among what stays it is looked again, as the nearest
    few of an image may all have been copies.
    """
    ready = opened_under_lock(store, settings)
    rows = np.setdiff1d(ready.dataset.usable, left_out)
    found = _without_copies(_pairs(ready, rows))
    parts = [found]
    while len(found.rows) and not (ready.dataset.modality == "text" or holds_features(ready.reader)):
        rows = np.setdiff1d(rows, found.rows)
        found = _without_copies(_pairs(ready, rows))
        parts.append(found)
    all_rows, of = (np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "of"))
    order = np.argsort(all_rows)
    return SampleCopies(all_rows[order], of[order], parts[0].rule)


def _without_copies(pairs: _Pairs) -> SampleCopies:
    """Go through the pairs in the order of the dataset: who is like one that stayed is a copy."""
    copy_of: dict[int, int] = {}
    order = np.lexsort((pairs.earlier, pairs.later))
    for row, before in zip(pairs.later[order].tolist(), pairs.earlier[order].tolist(), strict=True):
        if row not in copy_of and before not in copy_of:
            copy_of[row] = before
    rows, of = (np.array(list(values), np.int64) for values in (copy_of.keys(), copy_of.values()))
    return SampleCopies(rows, of, pairs.rule)


def _pairs(ready: Opened, rows: Rows) -> _Pairs:
    """Return who is like whom among some samples; of images all pairs, of texts each with one that stays."""
    equal = [_equal(rows, ready.dataset.samples["digest"].combine_chunks().take(pa.array(rows)))]
    if ready.dataset.modality == "text":
        texts = texts_of(ready, rows)
        near = NearSearch(texts=texts, known=sketches(texts), order=np.arange(len(rows))).run()
        dropped = np.flatnonzero(~near.kept)
        equal = [(rows[dropped], rows[near.partner[dropped]])]
        rule = f"the same words, or {100 * THRESHOLD:g} % of the runs of {WORDS} words"
    elif holds_features(ready.reader):
        rule = "of features, rows of equal numbers"
    else:
        found, rule = _alike(ready, rows)
        equal += found
    later, earlier = (np.concatenate([part[side] for part in equal]) for side in (0, 1))
    return _Pairs(later, earlier, rule)


def _alike(ready: Opened, rows: Rows) -> tuple[list[tuple[Rows, Rows]], str]:
    """Return the images that are alike, later and earlier, and what likeness counts in this dataset."""
    settings, column = ready.settings, thumbnails(ready, "samples")
    device, memory = settings.torch_device, settings.memory_limit
    every = readable(ready, column)
    limit, unlike = limit_within(Thumbnails(column, every), device=device, memory=memory)
    images = Thumbnails(column, np.intersect1d(rows, every))
    near = near_pairs(images, device=device, memory=memory, limit=limit)
    one, two = np.maximum(near.one, near.two), np.minimum(near.one, near.two)
    return [_equal(images.rows, digests_of(images)), (one, two)], measured(limit, unlike)


def _equal(rows: Rows, digests: pa.Array) -> tuple[Rows, Rows]:
    """Return the rows that have the digest of one before them, and the first such."""
    codes = pc.fill_null(digests.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    known = rows[codes >= 0]
    _, at, inverse = np.unique(codes[codes >= 0], return_index=True, return_inverse=True)
    first = known[at][inverse]
    return known[first < known], first[first < known]
