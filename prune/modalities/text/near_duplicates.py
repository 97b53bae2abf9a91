"""Near duplicates among texts: MinHash finds who may be alike, and their sets of words say who is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Array, Rows
from prune.modalities.text.plain_words import plain_words, split_words, words_digest
from prune.modalities.text.texts import Texts
from prune.modalities.text.word_hashes import Hashes, Starts, WordHashes, mixed, runs

BANDS, FUNCTIONS = 14, 8  # of hashes; as datatrove has them, and FineWeb was made
WORDS = 5  # of a run
THRESHOLD = 0.75  # at which two texts meet in some band by 77 %, at 0.9 by 99.9 %


@dataclass(frozen=True)
class TextSketches:
    """What tells which texts may be alike, 150 bytes a text."""

    alike: Rows  # (n,) the same number for texts of the same words
    bands: Hashes  # (n, BANDS)
    sizes: Rows  # (n,) runs of words, repeats included
    lengths: Rows  # (n,) characters


@dataclass(frozen=True)
class NearTexts:
    """Of every text the most similar one that was kept before it."""

    partner: Rows  # (n,) −1 where it met none
    similarity: npt.NDArray[np.float64]  # (n,) of their sets of runs, by Jaccard; 1 for the same words
    kept: npt.NDArray[np.bool_]


def sketches(texts: Texts, words: int = WORDS) -> TextSketches:
    """Read all texts once, and return their sketches, for runs of so many words."""
    from prune.modalities.text.minhash_kernels import fill_bands

    hashes, draw = WordHashes(), np.arange(2 * BANDS * FUNCTIONS, dtype=np.uint64)
    factors, terms = np.split(mixed(mixed(draw + np.uint64(1))), 2)
    bands = np.zeros((texts.n, BANDS), np.uint64)
    sizes, lengths = np.zeros(texts.n, np.int64), np.zeros(texts.n, np.int64)
    digests: npt.NDArray[np.object_] = np.empty(texts.n, object)
    for places, block in texts.blocks("sketch texts"):
        plain = [plain_words(text) for text in block]
        found, starts = runs(*hashes.of([split_words(text) for text in plain]), words, short=True)
        part = np.empty((len(block), BANDS), np.uint64)
        fill_bands(found, starts, factors | np.uint64(1), terms, part)
        bands[places], sizes[places], lengths[places] = part, np.diff(starts), [len(t) for t in block]
        digests[places] = [words_digest(text) for text in plain]
    alike = pa.array(digests, pa.binary()).dictionary_encode().indices.to_numpy().astype(np.int64)
    return TextSketches(alike, bands, sizes, lengths)


@dataclass(frozen=True, kw_only=True)
class NearSearch:
    """How texts are gone through: who is like one kept before is dropped, so every dropped one has such.

    Texts of the same words are alike. Others meet where they agree in all functions of a band, and are alike
    if the Jaccard similarity of their sets of runs is at least `threshold`: computed from the texts
    themselves, which are read again, those that meet somebody. Memory: the sets of texts that hang together
    by their bands, as many as fit into a quarter of `texts.memory`, but at least those of one such group.
    """

    texts: Texts
    known: TextSketches
    order: Rows  # (n,) positions, best first
    fixed: Rows = field(default_factory=lambda: np.empty(0, np.int64))  # kept in any case; first in `order`
    threshold: float = THRESHOLD  # in (0, 1]; 1: the same words only; below 0: none is kept but the fixed
    words: int = WORDS  # of a run, as `known` was made

    def run(self) -> NearTexts:
        """Return who is kept, and what each is most like among those kept before it."""
        n, held = self.texts.n, np.zeros(self.texts.n, bool)
        held[self.fixed] = True
        partner, similarity = np.full(n, -1, np.int64), np.zeros(n, np.float64)
        first = self.order[np.unique(self.known.alike[self.order], return_index=True)[1]]  # of the same words
        if self.threshold < 1:
            rank = np.argsort(self.order)
            for group in _groups(self.known, np.sort(first), self.texts.memory // 4):
                group = group[np.argsort(rank[group])]
                near, similarity[group] = self._compared(group, held[group])
                partner[group] = np.where(near >= 0, group[near], -1)
        kept = held | (similarity < self.threshold)
        best = first[self.known.alike]
        copies = np.flatnonzero((best != np.arange(n)) & ~held)
        of = best[copies]
        kept[copies] = False
        partner[copies] = np.where(kept[of], of, partner[of])
        similarity[copies] = np.where(kept[of], 1.0, similarity[of])
        return NearTexts(partner, similarity, kept)

    def _compared(self, group: Rows, held: Array) -> tuple[Rows, Array]:
        """Return for each of some texts, best first, the one kept before it that it is most like."""
        from prune.modalities.text.minhash_kernels import keep_unlike

        hashes, starts = self._sets(group)
        buckets, count = _buckets(self.known.bands[group])
        near, similarity = np.empty(len(group), np.int64), np.empty(len(group), np.float64)
        last = np.full(count, -1, np.int64)
        keep_unlike(hashes, starts, buckets, held, self.threshold, last, near, similarity)
        return near, similarity

    def _sets(self, group: Rows) -> tuple[Hashes, Starts]:
        """Return the runs of some texts, each set ascending, one after the other."""
        sets: list[Hashes] = [np.empty(0, np.uint64)] * len(group)
        hashes = WordHashes()
        for places, block in self.texts.subset(group).blocks("compare texts"):
            plain = [split_words(plain_words(text)) for text in block]
            found, starts = runs(*hashes.of(plain), self.words, short=True)
            for at, place in enumerate(places.tolist()):
                sets[place] = np.unique(found[starts[at] : starts[at + 1]])
        return np.concatenate(sets), np.concatenate([[0], np.cumsum([len(one) for one in sets])])


def _groups(known: TextSketches, rows: Rows, memory: int) -> Iterator[Rows]:
    """Yield texts that meet others, those together that hang together, in lots of so many bytes of sets."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = rows[known.sizes[rows] > 0]
    buckets, count = _buckets(known.bands[rows])
    meeting = np.flatnonzero((buckets >= 0).any(axis=1))
    if not len(meeting):
        return
    rows, buckets = rows[meeting], buckets[meeting]
    at, band = np.nonzero(buckets >= 0)
    links = (np.ones(len(at), bool), (at, len(rows) + buckets[at, band]))
    size = len(rows) + count
    owner = connected_components(coo_matrix(links, (size, size)), directed=False)[1][: len(rows)]
    order = np.argsort(owner, kind="stable")
    rows, owner = rows[order], owner[order]
    ends = np.append(np.flatnonzero(np.diff(owner)) + 1, len(rows))
    held, start = 0, 0
    for begin, end in itertools.pairwise([0, *ends.tolist()]):
        needed = 16 * int(known.sizes[rows[begin:end]].sum())  # the sets, and all of them in one
        if begin > start and held + needed > memory:
            yield rows[start:begin]
            held, start = 0, begin
        held += needed
    yield rows[start:]


def _buckets(bands: Hashes) -> tuple[Rows, int]:
    """Return a number for each band of a text that another text shares, from 0 on, else −1; and how many."""
    buckets, count = np.full(bands.shape, -1, np.int64), 0
    for band in range(bands.shape[1]):
        _, number, size = np.unique(bands[:, band], return_inverse=True, return_counts=True)
        shared = size > 1
        named = np.where(shared, np.cumsum(shared) - 1 + count, -1)
        buckets[:, band] = named[number]
        count += int(shared.sum())
    return buckets, count
