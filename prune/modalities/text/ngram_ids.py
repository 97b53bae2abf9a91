"""Ids of the words and word pairs of a text: hashed, so that no vocabulary has to be learnt or kept.

An id follows from the characters alone: it is the same in every process, on every machine, for every dataset.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from prune.modalities.text.plain_words import NO_SPACES

_WORD = re.compile(rf"[{NO_SPACES}]|\w+(?:['’]\w+)*|[^\w\s]")
_LONG = 64  # characters of a word; a text is looked at for so many a word, and no longer word is remembered
_KNOWN = 1 << 18  # words whose hash is remembered
_ODD, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)  # of splitmix64, of xxHash64

Ids = npt.NDArray[np.int32]


class NgramIds:
    """Turns texts into ids; it remembers the hashes of words that it has seen, and nothing else.

    Parameters
    ----------
    length
        L, ids of a text at most; even. A text of more than L / 2 words loses its end.
    buckets
        Ids are in [1, buckets), so that n-grams share some; 0 stands for none.
    """

    def __init__(self, length: int, buckets: int) -> None:
        if length < 2 or length % 2:
            raise ValueError(f"a text has an even number of ids, not {length}")
        self.length, self.buckets = length, buckets
        self._most = length // 2 + 1  # words that have an id, alone or with the word before
        self._hashes = _Hashes()

    def of(self, texts: Sequence[str]) -> Ids:
        """Return ids (b, L): of each text its first word, then pair and word in turn, then 0.

        The last id is 0 unless the text was cut: whole texts have an odd number of ids.
        """
        found = [words_of(text, self._most)[: self._most] for text in texts]
        counts = np.array([len(words) for words in found], np.int64)
        words = list(itertools.chain.from_iterable(found))
        self._hashes.forget()
        hashes = np.fromiter(map(self._hashes.__getitem__, words), np.uint64, len(words))
        row = np.repeat(np.arange(len(texts)), counts)
        place = np.arange(len(words)) - np.repeat(np.cumsum(counts) - counts, counts)
        ids = np.zeros((len(texts), 2 * self._most), np.int32)
        ids[row, 2 * place] = self._bucket(hashes * _ODD)
        second = np.flatnonzero(place)
        pairs = hashes[second - 1] * _OTHER + hashes[second] * _ODD
        ids[row[second], 2 * place[second] - 1] = self._bucket(pairs)
        return ids[:, : self.length]

    def _bucket(self, products: npt.NDArray[np.uint64]) -> Ids:
        mixed = (products ^ (products >> np.uint64(29))) * _OTHER  # low bits of a product know no high ones
        ids: Ids = (1 + (mixed >> np.uint64(33)) % np.uint64(self.buckets - 1)).astype(np.int32)
        return ids


def words_of(text: str, most: int) -> list[str]:
    """Return the words of a text in lower case, and its signs: `don't`, `!`, each Chinese character.

    Of a text that is longer than `most` words may be, the end is not looked at.
    """
    start = unicodedata.normalize("NFKC", text[: _LONG * most]).casefold()
    return _WORD.findall(start)


class _Hashes(dict[str, int]):
    """The hash of every word that is asked for: 32 bits of its characters."""

    def __missing__(self, word: str) -> int:
        found = zlib.crc32(word.encode("utf-8", "surrogatepass"))
        if len(word) <= _LONG:
            self[word] = found
        return found

    def forget(self) -> None:
        """Forget all words once there are many."""
        if len(self) > _KNOWN:
            self.clear()
