"""What `ngrams` learns of a dataset: which n-grams count, how much each, and the axes they are seen along."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from prune.core.arrays import Array, Rows
from prune.core.lots import lots
from prune.encoders.ngram_counts import BUCKETS, MOST_CHARACTERS
from prune.store import Dataset
from prune.system.executors.threads import steady

DIMENSIONS = 256
SAMPLED = 32_768  # texts that are learnt from, at most
_SAMPLED_BYTES = 32 << 20  # of them: a byte makes up to one n-gram, which takes 12 bytes while it learns
_USUAL_BYTES = 4096  # of a text of which the reader does not say how long it is
_KEPT = 32_768  # n-grams that count: those that most texts have
_SPARE = 16  # axes beyond those that are kept, so that the last of these are found as well as the first
_ROUNDS = 3  # of the power iteration: more change which axes are found by less than the choice of texts does
_EXACT_ZERO = 1e-9  # of the first singular value: what is below is rounding
_MOST_TIMES = 255  # that an n-gram counts in a text
_DAMPED = np.array([0.0] + [1 + math.log(times) for times in range(1, _MOST_TIMES + 1)], np.float32)


@dataclass(frozen=True)
class NgramState:
    """Aligned arrays: a row an n-gram."""

    buckets: npt.NDArray[np.int32]  # (f,) of the hash, ascending
    importance: npt.NDArray[np.float32]  # (f,) inverse document frequency
    axes: npt.NDArray[np.float16]  # (f, d)

    def to_bytes(self) -> bytes:
        """Return all of it as safetensors; equal states have equal bytes."""
        from safetensors.numpy import save  # nobody else who embeds or selects needs it

        return save({"buckets": self.buckets, "importance": self.importance, "axes": self.axes})

    @classmethod
    def of_bytes(cls, data: bytes) -> NgramState:
        """Return what `to_bytes` wrote."""
        from safetensors.numpy import load

        return cls(**load(data))

    @functools.cached_property
    def _places(self) -> Array:
        places = np.full(BUCKETS, -1, np.int32)
        places[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return places

    def weighted(self, counts: Any) -> Any:
        """Return sparse (b, f) of (b, `BUCKETS`) counts: damped, and each n-gram by its importance."""
        import scipy.sparse

        at = self._places[counts.indices]
        known = at >= 0
        before = np.concatenate([[0], np.cumsum(known)])
        times = np.minimum(counts.data[known].astype(np.int64), _MOST_TIMES)
        values = _DAMPED[times] * self.importance[at[known]]
        shape = (counts.shape[0], len(self.importance))
        return scipy.sparse.csr_matrix((values, at[known], before[counts.indptr]), shape=shape)


def sampled_rows(dataset: Dataset, seed: int) -> Rows:
    """Return the rows that are learnt from, ascending: drawn by seed and key, so that order does not matter.

    Of texts with the same bytes one: a text that was copied a thousand times says nothing more.
    """
    usable = dataset.usable
    samples = dataset.samples.select(["key", "digest", "image_size"]).take(usable)
    order = np.argsort(lots(samples["key"].to_pylist(), f"ngrams {seed}"), kind="stable")
    digests = pc.fill_null(samples["digest"].combine_chunks().dictionary_encode().indices, -1)
    codes = digests.to_numpy(zero_copy_only=False)[order]
    first = np.zeros(len(order), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    order = order[first | (codes < 0)][:SAMPLED]
    sizes = pc.fill_null(samples["image_size"], _USUAL_BYTES).to_numpy()[order]
    within = np.cumsum(np.minimum(sizes, MOST_CHARACTERS)) <= _SAMPLED_BYTES
    within[:1] = True
    return np.sort(usable[order[within]])


def learn_ngrams(counts: Any, seed: int) -> NgramState:
    """Return what is learnt of texts, given their (n, `BUCKETS`) counts.

    The axes are the right singular vectors of their weighted counts, each text of length 1, by a randomised
    range finder in float64 and one thread, and rounded to half precision: so that neither the number of
    threads nor who computes products decides which samples are near each other.
    """
    texts = np.bincount(counts.indices, minlength=BUCKETS)  # that have an n-gram
    seen = np.flatnonzero(texts)
    order = np.argsort(-texts[seen], kind="stable")[:_KEPT]
    buckets = np.sort(seen[order]).astype(np.int32)
    importance = np.array(
        [1 + math.log((1 + counts.shape[0]) / (1 + of)) for of in texts[buckets].tolist()], np.float32
    )
    state = NgramState(buckets, importance, np.empty((len(buckets), 0), np.float16))
    rows = state.weighted(counts).astype(np.float64)
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(rows.indptr))
    return replace(state, axes=_axes(rows, seed))


def _axes(rows: Any, seed: int) -> npt.NDArray[np.float16]:
    from sklearn.utils.extmath import randomized_svd

    most = min(DIMENSIONS, *rows.shape)
    if not most:  # there are no n-grams: every text is empty of words
        return np.zeros((rows.shape[1], 1), np.float16)
    with steady():
        _, lengths, axes = randomized_svd(
            rows,
            n_components=most,
            n_oversamples=_SPARE,
            n_iter=_ROUNDS,
            power_iteration_normalizer="LU",
            random_state=seed % 2**32,
        )
    kept = max(1, int((lengths > _EXACT_ZERO * lengths[0]).sum()))
    return np.ascontiguousarray(axes[:kept].T).astype(np.float16)
