"""A space is what geometric selectors compute in: samples as float32 rows, read a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from prune.arrays import Embeddings, Rows
from prune.errors import DataError

Metric: TypeAlias = Literal["euclidean", "cosine"]
Block: TypeAlias = npt.NDArray[np.float32]  # (b, d), never written to: it may be a view of the embeddings

BLOCK = 4096  # rows; 8 MB of float32 at d = 512, so that a block stays in cache between its two uses
ZERO_NORM = 1e-30  # the reciprocal of anything smaller leaves float32


class EmbeddingSpace:
    """Embeddings under a metric, stored as they came and widened to float32 block by block.

    Under ``cosine`` a row is the embedding divided by its norm, so that the Euclidean distance of two rows is
    ``√(2 − 2·cos)``. An embedding of norm zero has no direction: it stays the zero vector, at distance 1 from
    all others, and is counted in `zeros`.

    Parameters
    ----------
    embeddings : (n, d)
        float16 or float32, finite. Shared, not copied, when it lies row by row in memory.
    metric
        ``euclidean`` or ``cosine``.
    device
        Where the searches over this space run: ``cpu`` or ``cuda``.

    Raises
    ------
    ValueError
        The embeddings are not a float16 or float32 matrix, have no columns, or the metric is unknown.
    DataError
        Some embeddings are not finite.
    """

    def __init__(self, embeddings: Embeddings, *, metric: Metric = "euclidean", device: str = "cpu") -> None:
        if embeddings.ndim != 2 or 0 in embeddings.shape:
            raise ValueError(f"embeddings have shape {embeddings.shape}, not (samples, dimensions)")
        if embeddings.dtype not in (np.float16, np.float32):
            raise ValueError(f"embeddings are {embeddings.dtype}, not float16 or float32")
        if metric not in get_args(Metric):
            raise ValueError(f"metric {metric!r} is not one of {', '.join(get_args(Metric))}")
        self.embeddings = np.ascontiguousarray(embeddings)
        self.metric: Metric = metric
        self.device = device
        self.zeros = 0
        self._reciprocals: Block | None = None
        _refuse_what_is_not_finite(self.embeddings)
        if metric == "cosine":
            norms = self._norms()
            zero = norms <= ZERO_NORM
            self.zeros = int(zero.sum())
            self._reciprocals = np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, norms)).astype(np.float32)

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.embeddings.shape[0]

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return self.embeddings.shape[1]

    @property
    def reciprocals(self) -> Block | None:
        """1 / norm of each embedding under cosine, 0 where the norm is; None under the Euclidean metric."""
        return self._reciprocals

    def block(self, start: int, stop: int) -> Block:
        """Rows ``start ≤ row < stop``."""
        return self._rows(slice(start, stop))

    def take(self, rows: Rows) -> Block:
        """Return the given rows, in the given order."""
        return self._rows(rows)

    def blocks(self) -> Iterator[tuple[slice, Block]]:
        """Every row once, in order, a block at a time."""
        for start in range(0, self.n, BLOCK):
            span = slice(start, min(start + BLOCK, self.n))
            yield span, self._rows(span)

    def under(self, metric: Metric) -> EmbeddingSpace:
        """Return the same embeddings under another metric, without a copy."""
        if metric == self.metric:
            return self
        return EmbeddingSpace(self.embeddings, metric=metric, device=self.device)

    def _rows(self, which: slice | Rows) -> Block:
        block = widened(self.embeddings[which])
        if self._reciprocals is not None:
            block = block * self._reciprocals[which, None]
        block.flags.writeable = False
        return block

    def _norms(self) -> npt.NDArray[np.float64]:
        norms = np.empty(self.n, np.float64)
        for start in range(0, self.n, BLOCK):
            block = widened(self.embeddings[start : start + BLOCK])
            norms[start : start + BLOCK] = np.sqrt(np.einsum("nd,nd->n", block, block, dtype=np.float64))
        return norms


def widened(embeddings: Embeddings) -> Block:
    """Return the same numbers in float32: a view where they are, else a new array."""
    if embeddings.dtype == np.float32:
        return embeddings.view()
    from prune.index.kernels import widen

    wide = np.empty(embeddings.shape, np.float32)
    widen(np.ascontiguousarray(embeddings).view(np.uint16).ravel(), wide.view(np.int32).ravel())
    wide *= np.float32(2.0**112)  # float32's exponent counts from 127, float16's from 15
    return wide


def _refuse_what_is_not_finite(embeddings: Embeddings) -> None:
    bad: list[int] = []
    for start in range(0, len(embeddings), BLOCK):
        block = embeddings[start : start + BLOCK]
        finite = np.isfinite(block).all(axis=1)
        bad.extend((np.flatnonzero(~finite) + start).tolist())
    if bad:
        shown = ", ".join(map(str, bad[:5])) + (", …" if len(bad) > 5 else "")
        rows = "row" if len(bad) == 1 else "rows"
        raise DataError(
            f"{len(bad)} of {len(embeddings)} embeddings are not finite ({rows} {shown})",
            "leave these samples out, or embed them again",
        )
