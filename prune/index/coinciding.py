"""Which samples coincide: the same numbers, so that no method of a space can tell one from another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import cast

import numpy as np

from prune.core.arrays import Array, Rows, Scores
from prune.index.gradients import GradientSpace
from prune.index.space import EmbeddingSpace, Metric, Space, Sums, Wide

_ROWS = 4096  # hashed at a time
_NEAR = 1e-9  # of a squared norm: more than the order of its sum changes


def coinciding(space: Space, metric: Metric = "euclidean") -> Rows:
    """Return a group a sample, (n,): equal for samples that coincide; gradients of norm zero all do.

    Under ``cosine`` embeddings coincide where they point the same way, however long they are, as plain
    pictures of several greys do.

    Samples whose norm is their own coincide with nobody, so that mostly none has to be read again. Time
    O(n·log n), and a hash of each of the others; memory O(n). Under ``cosine`` the sum of a direction stands
    for the norm, in one pass over the samples.
    """
    if metric == "cosine" and isinstance(space, EmbeddingSpace):
        return _of_one_direction(space)
    norms = space.squared_norms()
    if isinstance(space, GradientSpace):
        gradients, zero = space, np.flatnonzero(norms == 0)
        groups = _grouped(
            _near_another(norms, norms > 0), space.n, lambda at: np.hstack(gradients.factors(at))
        )
        groups[zero] = zero[:1]
        return groups
    every = np.ones(space.n, np.bool_)
    return _grouped(_near_another(norms, every), space.n, cast(EmbeddingSpace, space).wide)


def _of_one_direction(space: EmbeddingSpace) -> Rows:
    def towards(rows: slice | Rows) -> Wide:
        """Divide by the largest number, not by the norm, whose rounding two of one direction do not share."""
        values = space.wide(rows)
        largest = np.abs(values).max(axis=1, keepdims=True)
        return np.divide(values, largest, out=values, where=largest > 0)

    spans = (slice(start, min(start + _ROWS, space.n)) for start in range(0, space.n, _ROWS))
    sums = np.concatenate([np.abs(towards(span)).sum(axis=1) for span in spans])
    return _grouped(_near_another(sums, np.ones(space.n, np.bool_)), space.n, towards)


def with_equal(groups: Rows, scores: Scores) -> Rows:
    """Return groups of samples that are in one of these groups and have the same score, (n,)."""
    _, value = np.unique(scores, return_inverse=True)
    _, both = np.unique(groups * (int(value.max(initial=0)) + 1) + value, return_inverse=True)
    return both.astype(np.int64)


def equal_rows(values: Array) -> Rows:
    """Return a group a row of a matrix, (n,): equal for rows that are equal."""
    return _grouped(np.arange(len(values)), len(values), lambda at: values[at])


def _near_another(norms: Sums, which: Array) -> Rows:
    """Return the rows, of those asked for, whose norm is that of another, ascending."""
    rows = np.flatnonzero(which)
    order = rows[np.argsort(norms[rows], kind="stable")]
    near = np.diff(norms[order]) <= _NEAR * norms[order][1:]
    return np.sort(order[np.append(near, False) | np.append(False, near)]) if len(order) else order


def _grouped(rows: Rows, n: int, read: Callable[[Rows], Array]) -> Rows:
    """Give each of these rows the first row that holds the same, and every other row itself."""
    groups, first = np.arange(n), dict[bytes, int]()
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        block = np.ascontiguousarray(read(some) + 0)  # 0 and -0 are one number
        for row, values in zip(some.tolist(), block, strict=True):
            name = hashlib.blake2b(values, digest_size=16).digest()
            groups[row] = first.setdefault(name, row)
    return groups
