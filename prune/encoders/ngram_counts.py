"""How often words, and pairs of words that follow one another, stand in texts; each by a hash of it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

from prune.modalities.text.plain_words import plain_words, split_words

BUCKETS = 1 << 20  # of the hash: few words of a language share one
MOST_CHARACTERS = 100_000  # of a text that are looked at: what follows costs time, and says little more


def ngram_counts(texts: Sequence[str]) -> Any:
    """Return counts of the 1-grams and 2-grams of words, sparse float32 (b, `BUCKETS`).

    Words are those of `plain_words`; of Chinese and Japanese, every character is one. A text without words
    has its signs for words.
    """
    return _vectorizer().transform(texts)


def _grams(text: str) -> list[str]:
    words = split_words(plain_words(text[:MOST_CHARACTERS]))
    return words + [f"{one} {two}" for one, two in itertools.pairwise(words)]


@functools.cache
def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer  # half a second

    return HashingVectorizer(
        analyzer=_grams, n_features=BUCKETS, alternate_sign=False, norm=None, dtype="float32"
    )
