"""Texts that are the same but for one word: changed, added, left out or moved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.modalities.text.plain_words import plain_words
from prune.modalities.text.texts import Texts
from prune.modalities.text.word_hashes import Hashes, Starts, WordHashes, mixed

LEAST, MOST = 8, 100  # words: of fewer one word says too much, of more MinHash finds what differs in one


def same_but_for_a_word(texts: Texts, known: int) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Return for each text behind the first `known` the first of these that it is the same as, and how much.

    −1 and 0 where there is none; else the share of its words that are those of the other.

    Two texts are the same if they are equal once at most one word of each is left out: every text is
    hashed without each of its words in turn, 64 bits each. Case, spaces and punctuation do not count. Time
    O(words); memory 16 bytes a word of the first `known`.
    """
    hashes, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for some, sizes, found in _left_out(texts, np.arange(known)):
        hashes.append(found)
        owners.append(np.repeat(some, sizes))
    every, first = np.unique(np.concatenate(hashes), return_index=True)  # the first of each, as they rise
    owned = np.concatenate(owners)[first]
    partner, share = np.full(texts.n, texts.n, np.int64), np.zeros(texts.n, np.float64)
    for some, sizes, found in _left_out(texts, np.arange(known, texts.n)):
        at = np.minimum(np.searchsorted(every, found), len(every) - 1)
        met = every[at] == found if len(every) else np.zeros(len(found), bool)
        own = np.repeat(np.arange(len(some)), sizes)[met]
        np.minimum.at(partner, some[own], owned[at[met]])
        share[some[own]] = 1 - 1 / (sizes[own] - 1)
    return np.where(partner < texts.n, partner, -1)[known:], share[known:]


def _left_out(texts: Texts, at: Rows) -> Iterator[tuple[Rows, Rows, Hashes]]:
    """Yield texts by number, how many hashes each has, and these: with all words, and without each."""
    from prune.modalities.text.minhash_kernels import leave_out

    words = WordHashes()
    for places, block in texts.subset(at).blocks("compare words"):
        split = [plain_words(text).split() for text in block]
        usual = [place for place, one in enumerate(split) if LEAST <= len(one) <= MOST]
        hashes, starts = words.of([split[place] for place in usual])
        begins: Starts = starts + np.arange(len(starts))  # a hash more than words
        found = np.empty(begins[-1], np.uint64)
        leave_out(hashes, starts, found)
        yield at[places[usual]], np.diff(begins), mixed(found)
