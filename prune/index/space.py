"""A space is what selectors compute in: inner products of samples, whatever they are, a block at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Embeddings, Rows
from prune.index.kept_neighbours import NeighbourKeeper
from prune.index.number_range import refuse_what_is_not_finite, require_products
from prune.index.widening import widened
from prune.system.memory import default_memory
from prune.system.rows_on_disk import RowsOnDisk

Metric: TypeAlias = Literal["euclidean", "cosine"]
Block: TypeAlias = npt.NDArray[np.float32]  # (b, d), never written to: it may be a view of the embeddings
Vector: TypeAlias = npt.NDArray[np.float64]  # a point of the space: (d,), or (c, d + 1) for gradients
Wide: TypeAlias = npt.NDArray[np.float64]  # (b, d)
Sums: TypeAlias = npt.NDArray[np.float64]  # (n,)

BLOCK = 4096  # rows; 8 MB of float32 at d = 512, so that a block stays in cache between its two uses
ZERO_NORM = 1e-30  # the reciprocal of anything smaller leaves float32
HELD = 8  # a subset of rows on the disk is read into memory where it takes no more than this part of it


class Space(Protocol):
    """n samples with an inner product; never a matrix of n × n, and of gradients never the product e hᵀ."""

    device: str  # where the searches run: cpu or cuda
    memory: int  # bytes that a search may use beyond the space itself

    @property
    def n(self) -> int:
        """Number of samples."""

    @property
    def width(self) -> int:
        """Numbers stored per sample; an inner product costs about 2·width operations."""

    @property
    def metric(self) -> Metric:
        """`euclidean`: samples as they are; `cosine`: samples divided by their norms."""

    def squared_norms(self) -> Sums:
        """(n,) float64 ‖x‖²; read-only."""

    def products(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 inner products."""

    def dot(self, vector: Vector) -> Sums:
        """(n,) float64 inner product of every sample with a point of the space."""

    def sum(self, weights: Sums | None = None) -> Vector:
        """Σ wᵢ xᵢ in float64; weights (n,) default to 1."""

    def subset(self, rows: Rows) -> Space:
        """Return these samples in this order, as a view."""

    def under(self, metric: Metric) -> Space:
        """Return the same samples under another metric, as a view."""

    def coordinates(self) -> EmbeddingSpace:
        """Return the samples as vectors: themselves, or a sketch of gradients with nearly their products."""


class EmbeddingSpace:
    """Embeddings under a metric, stored as they came and widened to float32 block by block.

    Under ``cosine`` a row is the embedding divided by its norm, so that the Euclidean distance of two rows is
    ``√(2 − 2·cos)``. An embedding of norm zero has no direction: it stays the zero vector, at distance 1 from
    all others, and is counted in `zeros`.

    Parameters
    ----------
    embeddings : (n, d)
        float16 or float32, finite. Shared, not copied, when it lies row by row in memory. Of rows on the disk
        no more is in memory than what is looked at.
    metric
        ``euclidean`` or ``cosine``.
    device
        Where the searches over this space run: ``cpu`` or ``cuda``.
    rows : (n,)
        Which of the embeddings are the samples; default: all, in order.
    memory
        Bytes that a search may use beyond the space; default: half of what is free.
    origin : (d,)
        What is subtracted from every row, float64; default: nothing.
    checked
        Whether somebody has looked already that they are finite.

    Raises
    ------
    ValueError
        The embeddings are not a float16 or float32 matrix, have no columns, or the metric is unknown.
    DataError
        Some embeddings are not finite; from `products`, if some are too long for any.
    """

    def __init__(
        self,
        embeddings: Embeddings | RowsOnDisk,
        *,
        metric: Metric = "euclidean",
        device: str = "cpu",
        rows: Rows | None = None,
        memory: int | None = None,
        origin: Vector | None = None,
        checked: bool = False,
    ) -> None:
        if embeddings.ndim != 2 or 0 in embeddings.shape:
            raise ValueError(f"embeddings have shape {embeddings.shape}, not (samples, dimensions)")
        if embeddings.dtype not in (np.float16, np.float32):
            raise ValueError(f"embeddings are {embeddings.dtype}, not float16 or float32")
        if metric not in get_args(Metric):
            raise ValueError(f"metric {metric!r} is not one of {', '.join(get_args(Metric))}")
        self._all = embeddings if isinstance(embeddings, RowsOnDisk) else np.ascontiguousarray(embeddings)
        self._which = None if rows is None else np.asarray(rows, np.int64)
        self._metric: Metric = metric
        self.device = device
        self.memory = default_memory() if memory is None else memory
        self.zeros = 0
        self.keeper: NeighbourKeeper | None = None  # of the neighbours of these very samples
        self._origin = origin
        self._norms: Sums | None = None
        self._reciprocals: Block | None = None
        self._squares: Sums | None = None
        self._has_products = False  # as far as is known
        if not checked:
            refuse_what_is_not_finite(self._all, self._which)
        if metric == "cosine":
            norms = np.sqrt(self._raw_squares())
            zero = norms <= ZERO_NORM
            self.zeros = int(zero.sum())
            self._norms = np.where(zero, np.inf, norms)
            self._reciprocals = (1.0 / self._norms).astype(np.float32)

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self._all if self._which is None else self._which)

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return self._all.shape[1]

    @property
    def width(self) -> int:
        """Numbers per sample: d."""
        return self.d

    @property
    def metric(self) -> Metric:
        """`euclidean` or `cosine`."""
        return self._metric

    @property
    def embeddings(self) -> Embeddings:
        """(n, d) as they came, before the metric; a copy if not all in order, moved if moved."""
        if self._origin is not None:
            return self._rows(slice(0, self.n))
        which = slice(0, self.n) if self._which is None else self._which
        return self._all if isinstance(self._all, np.ndarray) and self._which is None else self._all[which]

    @property
    def reciprocals(self) -> Block | None:
        """1 / norm of each of `embeddings` under cosine, 0 where the norm is; None if they are the rows."""
        return self._reciprocals if self._origin is None else None

    def block(self, start: int, stop: int) -> Block:
        """Rows ``start ≤ row < stop``."""
        return self._rows(slice(start, stop))

    def take(self, rows: Rows) -> Block:
        """Return the given rows, in the given order."""
        return self._rows(rows)

    def wide(self, which: slice | Rows) -> Wide:
        """(b, d) float64, off by nothing but float64's own rounding: what differences are taken of."""
        rows = self._stored(which).astype(np.float64)
        if self._norms is not None:
            rows /= self._norms[which, None]
        if self._origin is not None:
            rows -= self._origin
        return rows

    def blocks(self) -> Iterator[tuple[slice, Block]]:
        """Every row once, in order, a block at a time."""
        for span in self._spans():
            yield span, self._rows(span)

    def squared_norms(self) -> Sums:
        """(n,) float64; 1 under cosine, or 0 where there is no direction."""
        if self._squares is None:
            if self._origin is not None:
                self._squares = np.concatenate([np.square(self.wide(span)).sum(1) for span in self._spans()])
            elif self._norms is None:
                self._squares = self._raw_squares()
            else:
                self._squares = np.isfinite(self._norms).astype(np.float64)
            self._squares.flags.writeable = False
        return self._squares

    def products(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 inner products."""
        if not self._has_products:
            require_products(self.squared_norms())
            self._has_products = True
        product: Block = self._rows(one) @ self._rows(two).T
        return product

    def dot(self, vector: Vector) -> Sums:
        """(n,) float64 inner product of every sample with a vector (d,)."""
        out = np.empty(self.n, np.float64)
        for span in self._spans():
            out[span] = self.wide(span) @ vector
        return out

    def sum(self, weights: Sums | None = None) -> Vector:
        """(d,) float64 Σ wᵢ xᵢ."""
        total = np.zeros(self.d, np.float64)
        for span in self._spans():
            total += self.wide(span).sum(0) if weights is None else weights[span] @ self.wide(span)
        return total

    def subset(self, rows: Rows) -> EmbeddingSpace:
        """Return these samples in this order, as a view; where few of many are on the disk, in memory."""
        which = np.asarray(rows, np.int64) if self._which is None else self._which[rows]
        if isinstance(self._all, RowsOnDisk) and len(which) * self._all.row_bytes <= self.memory // HELD:
            return self._over(self._all[which], None, self._metric, self._origin)
        return self._view(which, self._metric, self._origin)

    def arranged(self, order: Rows) -> EmbeddingSpace:
        """Return this space; where it is on the disk, with these samples stored in this order.

        Whoever reads them in this order reads them in one go. No other samples may be asked for.
        """
        if not isinstance(self._all, RowsOnDisk):
            return self
        view = copy.copy(self)
        view._all = self._all.arranged(order if self._which is None else self._which[order])
        return view

    def under(self, metric: Metric) -> EmbeddingSpace:
        """Return the same embeddings under another metric, without a copy."""
        if metric == self._metric:
            return self
        view = self._view(self._which, metric, None)
        view.keeper = self.keeper
        return view

    def around(self, point: Vector) -> EmbeddingSpace:
        """Return the samples less a point, as a view under the same metric; rounded to float32 after."""
        return self._view(self._which, self._metric, point if self._origin is None else self._origin + point)

    def coordinates(self) -> EmbeddingSpace:
        """Return this space: its samples are vectors."""
        return self

    def _view(self, which: Rows | None, metric: Metric, origin: Vector | None) -> EmbeddingSpace:
        return self._over(self._all, which, metric, origin)

    def _over(
        self, rows: Embeddings | RowsOnDisk, which: Rows | None, metric: Metric, origin: Vector | None
    ) -> EmbeddingSpace:
        place: Mapping[str, Any] = {"device": self.device, "memory": self.memory}
        return EmbeddingSpace(rows, metric=metric, rows=which, origin=origin, checked=True, **place)

    def _spans(self) -> list[slice]:
        return [slice(start, min(start + BLOCK, self.n)) for start in range(0, self.n, BLOCK)]

    def _stored(self, which: slice | Rows) -> Block:
        return widened(self._all[which if self._which is None else self._which[which]])

    def _rows(self, which: slice | Rows) -> Block:
        if self._origin is not None:
            return self.wide(which).astype(np.float32)
        block = self._stored(which)
        if self._reciprocals is not None:
            block = block * self._reciprocals[which, None]
        block.flags.writeable = False
        return block

    def _raw_squares(self) -> Sums:
        squares = np.empty(self.n, np.float64)
        for start in range(0, self.n, BLOCK):
            block = self._stored(slice(start, start + BLOCK))
            squares[start : start + BLOCK] = np.einsum("nd,nd->n", block, block, dtype=np.float64)
        return squares
