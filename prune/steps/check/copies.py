"""Copies within a selection: kept samples that are near duplicates of others that are kept."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.modalities import MODALITIES
from prune.modalities.text.near_duplicates import THRESHOLD, WORDS, NearSearch, sketches
from prune.steps.check.conditions import CheckedSelection, Outcome, measured
from prune.steps.check.equal_samples import digests_of
from prune.steps.check.held_out import readable, thumbnails
from prune.steps.check.near_pairs import Thumbnails, near_pairs
from prune.steps.dataset_session import opened
from prune.steps.expected_modality import holds_features
from prune.steps.text_payloads import texts_of

_LISTED = 1000


def copies(checked: CheckedSelection, most: float) -> Outcome:
    """Return the share of kept samples that are copies of one that stands before them in the dataset.

    So of two that are alike one counts, as one could go. Equal bytes, or near as `near_pairs` says, of texts
    as `NearSearch` does.
    """
    kept = checked.rows
    first, told = _first_alike(checked, kept)
    rows = np.flatnonzero(first >= 0)
    keys = checked.manifest["key"]
    value, unlike = len(rows) / max(len(kept), 1), MODALITIES[checked.dataset.modality].deduplicates
    listed = [
        {"key": keys[row].as_py(), "partner": keys[of].as_py()}
        for row, of in zip(rows[:_LISTED].tolist(), first[rows[:_LISTED]].tolist(), strict=True)
    ]
    return Outcome(
        condition="--max-duplicates",
        value=value,
        limit=most,
        passed=value <= most,
        detail=f"{len(rows):,} of {counted(len(kept), 'kept sample')}, copies of others that are kept{told}",
        listed=listed,
        advice=in_store(f"prune select --method {unlike} --name unique", str(checked.store.path)),
    )


def _first_alike(checked: CheckedSelection, kept: Rows) -> tuple[Rows, str]:
    """Return for each sample the first kept one that it is a copy of, or −1; and how that was decided."""
    n, settings = len(checked.dataset), checked.settings
    first, told = np.full(n, n), ""
    _join(first, kept, checked.dataset.samples["digest"].combine_chunks().take(pa.array(kept)))
    with opened(checked.store, None, settings) as ready:
        if ready.dataset.modality == "text":
            texts = texts_of(ready, kept)
            near = NearSearch(texts=texts, known=sketches(texts), order=np.arange(len(kept))).run()
            dropped = np.flatnonzero(~near.kept)
            first[kept[dropped]] = kept[near.partner[dropped]]
            told = f"; the same words, or {100 * THRESHOLD:g} % of the runs of {WORDS} words"
        elif holds_features(ready.reader):
            told = "; of features, rows of equal numbers"
        else:
            column = thumbnails(ready, "samples")
            images = Thumbnails(column, np.intersect1d(kept, readable(ready, column)))
            _join(first, images.rows, digests_of(images))
            pairs = near_pairs(images, device=settings.torch_device, memory=settings.memory_limit)
            np.minimum.at(first, pairs.one, pairs.two)
            np.minimum.at(first, pairs.two, pairs.one)
            told = f"; {measured(pairs.limit, pairs.unlike)}"
    return np.where(first < np.arange(n), first, -1), told


def _join(first: Rows, rows: Rows, digests: pa.Array) -> None:
    """Lower the first copy of rows to the first of those with the same digest."""
    codes = pc.fill_null(digests.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    known = rows[codes >= 0]
    _, at, inverse = np.unique(codes[codes >= 0], return_index=True, return_inverse=True)
    first[known] = np.minimum(first[known], known[at][inverse])
