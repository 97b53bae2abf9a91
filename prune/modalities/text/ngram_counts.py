"""Hashed counts of words and word pairs in texts, as DSIR has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from prune.core.arrays import Array, Rows
from prune.modalities.text.texts import Texts
from prune.modalities.text.word_hashes import WordHashes, runs

_TOKEN = re.compile(r"\w+|[^\w\s]+")  # NLTK's WordPunct


def buckets_of(texts: Texts, buckets: int, what: str) -> Iterator[tuple[int, int, Rows]]:
    """Yield of each text its position, its number of words, and the bucket of each word and pair in it.

    Words are runs of letters and digits, or of other signs, in lower case.

    Parameters
    ----------
    what
        The stage that the reporter hears of.
    """
    hashes, count = WordHashes(), np.uint64(buckets)
    for places, block in texts.blocks(what):
        words, starts = hashes.of([_TOKEN.findall(text.lower()) for text in block])
        single, of_words = runs(words, starts, 1, short=False)
        double, of_pairs = runs(words, starts, 2, short=False)
        ones, twos = (single % count).astype(np.int64), (double % count).astype(np.int64)
        for at, place in enumerate(places.tolist()):
            found = ones[of_words[at] : of_words[at + 1]], twos[of_pairs[at] : of_pairs[at + 1]]
            yield place, len(found[0]), np.concatenate(found)


def bucket_counts(texts: Texts, buckets: int, what: str, weights: Array | None = None) -> tuple[Array, Rows]:
    """Return how often each bucket comes in all texts, float64, and how many words each text has.

    Parameters
    ----------
    weights : (n,)
        How much each text counts; default 1.
    """
    counts, sizes = np.zeros(buckets, np.float64), np.zeros(texts.n, np.int64)
    for place, size, found in buckets_of(texts, buckets, what):
        sizes[place] = size
        many = np.bincount(found, minlength=buckets)
        counts += many if weights is None else many * weights[place]
    return counts, sizes
