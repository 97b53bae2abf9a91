"""What `ngrams` learns: the same as by hand with dense products, whatever the order and number of threads."""

import math

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_limits

from prune.encoders import ngram_state
from prune.encoders.ngram_counts import ngram_counts
from prune.encoders.ngram_state import NgramState, learn_ngrams, sampled_rows

WORDS = {"food": "soup bread salt butter apple spoon", "code": "loop array class stack queue thread"}


def texts(n):
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS["food" if i % 2 else "code"].split(), 5)) for i in range(n)]


def test_axes_are_those_of_a_dense_decomposition():
    counts = ngram_counts(texts(60))
    state = learn_ngrams(counts, seed=0)
    dense = np.asarray(counts[:, state.buckets].todense(), np.float64)
    df = (dense > 0).sum(0)
    idf = np.array([1 + math.log(61 / (1 + of)) for of in df.tolist()])
    np.testing.assert_allclose(state.importance, idf, rtol=1e-6)
    rows = np.where(dense > 0, 1 + np.log(np.maximum(dense, 1)), 0) * idf
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    lengths = np.linalg.svd(rows, compute_uv=False)
    found = state.axes.astype(np.float64)
    most = found.shape[1]
    assert most == min(60, len(state.buckets))
    np.testing.assert_allclose(np.linalg.norm(rows @ found, axis=0), lengths[:most], rtol=5e-3)
    np.testing.assert_allclose(found.T @ found, np.eye(most), atol=5e-3)
    np.testing.assert_allclose(found @ (found.T @ rows.T), rows.T, atol=5e-3)  # nothing is lost


def test_bytes_come_back_and_are_the_same_for_any_number_of_threads():
    counts = ngram_counts(texts(40))
    written = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            written.append(learn_ngrams(counts, seed=1).to_bytes())
    assert written[0] == written[1]
    again = NgramState.of_bytes(written[0])
    assert again.to_bytes() == written[0]
    assert again.axes.dtype == np.float16


def test_the_n_grams_that_most_texts_have_are_kept(monkeypatch):
    monkeypatch.setattr(ngram_state, "_KEPT", 1)
    counts = ngram_counts(["one two", "one three", "one four"])
    state = learn_ngrams(counts, seed=0)
    assert state.buckets.tolist() == np.flatnonzero(ngram_counts(["one"]).toarray()).tolist()
    assert state.weighted(ngram_counts(["two", "one one"])).toarray().ravel() == pytest.approx(
        [0, 1 + math.log(2)]  # all three have it, so it counts 1
    )


def test_texts_without_words_are_no_error():
    state = learn_ngrams(ngram_counts([""]), seed=0)
    assert state.axes.shape == (0, 1)


class Some:
    """A dataset, as far as drawing looks at it."""

    def __init__(self, keys, sizes=None, digests=None, usable=None):
        self.usable = np.arange(len(keys)) if usable is None else np.array(usable)
        self.samples = pa.table(
            {
                "key": keys,
                "digest": pa.array(digests or [k.encode() for k in keys], pa.binary()),
                "image_size": pa.array(sizes or [10] * len(keys), pa.int64()),
            }
        )


def test_the_draw_goes_by_key_and_not_by_place(monkeypatch):
    monkeypatch.setattr(ngram_state, "SAMPLED", 5)
    keys = [f"k{i}" for i in range(30)]
    drawn = {keys[row] for row in sampled_rows(Some(keys), 0)}
    turned = keys[::-1]
    rows = sampled_rows(Some(turned), 0)
    assert {turned[row] for row in rows} == drawn
    assert rows.tolist() == sorted(rows.tolist())
    assert {keys[row] for row in sampled_rows(Some(keys), 1)} != drawn


def test_neither_copies_nor_what_is_not_usable_nor_too_many_bytes_are_drawn(monkeypatch):
    keys = [f"k{i}" for i in range(9)]
    assert len(sampled_rows(Some(keys, digests=[b"same"] * 8 + [b"other"]), 0)) == 2
    assert sampled_rows(Some(keys, usable=[2, 5]), 0).tolist() == [2, 5]
    monkeypatch.setattr(ngram_state, "_SAMPLED_BYTES", 25)
    assert len(sampled_rows(Some(keys), 0)) == 2
    monkeypatch.setattr(ngram_state, "_SAMPLED_BYTES", 5)
    assert len(sampled_rows(Some(keys), 0)) == 1  # one always
    unknown = Some(keys, sizes=[None] * 9)
    monkeypatch.setattr(ngram_state, "_SAMPLED_BYTES", 2 * ngram_state._USUAL_BYTES)
    assert len(sampled_rows(unknown, 0)) == 2
