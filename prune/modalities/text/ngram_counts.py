"""Hashed counts of words and word pairs in texts, as DSIR has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Array, Rows
from prune.modalities.text.texts import Texts
from prune.modalities.text.word_hashes import WordHashes, runs

_TOKEN = re.compile(r"\w+|[^\w\s]+")  # NLTK's WordPunct


@dataclass(frozen=True)
class Buckets:
    """The words and word pairs of some texts, in buckets."""

    places: Rows  # of the texts
    sizes: Rows  # words of each
    owner: Rows  # (m,) of each word and pair, which of these texts it is in
    bucket: Rows  # (m,)


def buckets_of(texts: Texts, buckets: int, what: str) -> Iterator[Buckets]:
    """Yield the buckets of all texts, some texts at a time.

    Words are runs of letters and digits, or of other signs, in lower case.

    Parameters
    ----------
    what
        The stage that the reporter hears of.
    """
    hashes, count = WordHashes(), np.uint64(buckets)
    for places, block in texts.blocks(what):
        words, starts = hashes.of([_TOKEN.findall(text.lower()) for text in block])
        parts = [runs(words, starts, n, short=False) for n in (1, 2)]
        found = np.concatenate([hashed for hashed, _ in parts])
        owner = np.concatenate([np.repeat(np.arange(len(block)), np.diff(ends)) for _, ends in parts])
        yield Buckets(places, np.diff(starts), owner, (found % count).astype(np.int64))


def bucket_counts(texts: Texts, buckets: int, what: str, weights: Array | None = None) -> tuple[Array, Rows]:
    """Return how often each bucket comes in all texts, float64, and how many words each text has.

    Parameters
    ----------
    weights : (n,)
        How much each text counts; default 1.
    """
    counts, sizes = np.zeros(buckets, np.float64), np.zeros(texts.n, np.int64)
    for some in buckets_of(texts, buckets, what):
        sizes[some.places] = some.sizes
        shares = None if weights is None else weights[some.places][some.owner]
        counts += np.bincount(some.bucket, shares, minlength=buckets)
    return counts, sizes


def bucket_sums(texts: Texts, gain: Array, what: str) -> Array:
    """Return for each text the sum of the gains of its words and pairs, added one after the other."""
    sums = np.zeros(texts.n, np.float64)
    for some in buckets_of(texts, len(gain), what):
        sums[some.places] = np.bincount(some.owner, gain[some.bucket], minlength=len(some.places))
    return sums
