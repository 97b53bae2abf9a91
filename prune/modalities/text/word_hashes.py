"""Hashes of words and of runs of words: 64 bits each, the same on every machine and in every version."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Hashes: TypeAlias = npt.NDArray[np.uint64]
Starts: TypeAlias = npt.NDArray[np.int64]  # (t + 1,): where those of each text begin, and the last end

_KNOWN = 2**20  # words that are remembered: some 200 MB
_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no word of a run is lost


class WordHashes:
    """Hashes of words; those that came before are not computed again."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, texts: Sequence[Sequence[str]]) -> tuple[Hashes, Starts]:
        """Return the hashes of the words of several texts, one after the other, and where each begins."""
        if len(self._known) > _KNOWN:
            self._known.clear()
        known = self._known
        for word in {word for words in texts for word in words} - known.keys():
            known[word] = int.from_bytes(hashlib.blake2b(_bytes(word), digest_size=8).digest(), "big")
        starts = np.concatenate([[0], np.cumsum([len(words) for words in texts])]).astype(np.int64)
        hashes = (known[word] for words in texts for word in words)
        return np.fromiter(hashes, np.uint64, int(starts[-1])), starts


def runs(words: Hashes, starts: Starts, n: int, *, short: bool) -> tuple[Hashes, Starts]:
    """Return a hash for each run of n words within a text, and where those of each text begin.

    Parameters
    ----------
    words, starts
        As `WordHashes.of` returns them.
    short
        Whether a text of fewer than n words, but some, has one run: all of them. Otherwise it has none.
    """
    sizes = np.diff(starts)
    counts = np.maximum(sizes - n + 1, 0)
    if short:
        counts = np.where((sizes > 0) & (sizes < n), 1, counts)
    begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    first = np.repeat(starts[:-1] - begins[:-1], counts) + np.arange(begins[-1])
    length = np.repeat(np.minimum(sizes, n), counts)
    found = np.zeros(len(first), np.uint64)
    for step in range(n):
        inside = step < length
        found[inside] = found[inside] * _STEP + words[first[inside] + step]
    return mixed(found + length.astype(np.uint64)), begins


def mixed(values: Hashes) -> Hashes:
    """Return values of which every bit depends on every bit (Steele, Lea & Flood, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")
