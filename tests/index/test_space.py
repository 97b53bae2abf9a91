"""A space gives back the numbers it was given, in float32, and refuses what has no distance."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import DataError
from prune.index.space import BLOCK, EmbeddingSpace
from prune.index.widening import widened


def test_every_finite_float16_widens_to_the_same_number() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)][:, None]
    assert np.array_equal(widened(halves), halves.astype(np.float32))


def test_float32_is_shared_and_cannot_be_written_to() -> None:
    embeddings = np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32)
    space = EmbeddingSpace(embeddings)
    assert np.shares_memory(space.block(2, 5), embeddings)
    assert not space.block(2, 5).flags.writeable
    assert embeddings.flags.writeable


def test_blocks_are_every_row_once() -> None:
    embeddings = np.arange(2 * (BLOCK + 3), dtype=np.float32).reshape(-1, 2)
    spans, blocks = zip(*EmbeddingSpace(embeddings).blocks(), strict=True)
    assert [span.stop for span in spans] == [BLOCK, BLOCK + 3]
    assert np.array_equal(np.concatenate(blocks), embeddings)


def test_cosine_divides_by_the_norm_and_counts_what_has_none() -> None:
    embeddings = np.array([[3, 4], [0, 0], [0, -2], [1e-35, 0]], np.float32)
    space = EmbeddingSpace(embeddings, metric="cosine")
    assert np.allclose(space.take(np.array([2, 0, 1])), [[0, -1], [0.6, 0.8], [0, 0]])
    assert space.zeros == 2
    assert space.under("euclidean").zeros == 0
    assert np.array_equal(space.under("euclidean").block(0, 4), embeddings)


def test_embeddings_that_are_not_finite_are_counted_and_named() -> None:
    embeddings = np.ones((9000, 2), np.float16)
    embeddings[[7, 5000], 1] = np.nan, np.inf
    with pytest.raises(DataError, match=r"2 of 9000 embeddings are not finite \(rows 7, 5000\)"):
        EmbeddingSpace(embeddings)
    with pytest.raises(DataError, match=r"9000 of 9000 embeddings .*\(rows 0, 1, 2, 3, 4, …\)"):
        EmbeddingSpace(np.full((9000, 1), np.nan, np.float32))


@pytest.mark.parametrize(
    ("embeddings", "metric", "message"),
    [
        (np.zeros((3, 2)), "cosine", "float64, not float16 or float32"),
        (np.zeros(3, np.float32), "cosine", r"shape \(3,\)"),
        (np.zeros((3, 0), np.float32), "cosine", r"shape \(3, 0\)"),
        (np.zeros((0, 3), np.float32), "cosine", r"shape \(0, 3\)"),
        (np.zeros((3, 2), np.float32), "manhattan", "'manhattan' is not one of euclidean, cosine"),
    ],
)
def test_what_is_no_matrix_of_floats_is_refused(embeddings: np.ndarray, metric: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddingSpace(embeddings, metric=metric)
