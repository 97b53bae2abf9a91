"""Last-layer gradients as factors: error e = p − y and feature h; their product e [h; 1]ᵀ is never formed."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Embeddings, Labels, Probs, Rows
from prune.index.number_range import refuse_what_is_not_finite, require_products
from prune.index.space import BLOCK, Block, EmbeddingSpace, Metric, Sums, Vector, Wide
from prune.index.widening import widened
from prune.system.memory import default_memory

SKETCH = 512  # dimensions of a sketch; products are off by about √(2 / SKETCH) of the norms


class GradientSpace:
    """The gradients of the loss with respect to the last linear layer, bias included.

    ``gᵢ = eᵢ [hᵢ; 1]ᵀ`` has c·(d + 1) numbers; kept are c + d. ``⟨gᵢ, gⱼ⟩ = (eᵢ·eⱼ)(1 + hᵢ·hⱼ)``. Points of
    the space are matrices (c, d + 1), the bias in the last column. Under ``cosine`` a sample is its gradient
    divided by its norm; a gradient of norm zero stays zero and is counted in `zeros`.

    Parameters
    ----------
    errors : (n, c)
        p − onehot(y), float16 or float32, finite.
    features : (n, d)
        What the last layer sees, float16 or float32, finite.
    metric, device, rows, memory
        As for `EmbeddingSpace`.

    Raises
    ------
    ValueError
        The factors are not float16 or float32 matrices of equally many rows.
    DataError
        Some are not finite, or too large to be compared.
    """

    def __init__(
        self,
        errors: Embeddings,
        features: Embeddings,
        *,
        metric: Metric = "euclidean",
        device: str = "cpu",
        rows: Rows | None = None,
        memory: int | None = None,
    ) -> None:
        _require_factors(errors, features, metric)
        self.errors, self.features = np.ascontiguousarray(errors), np.ascontiguousarray(features)
        self._which = None if rows is None else np.asarray(rows, np.int64)
        self._metric: Metric = metric
        self.device = device
        self.memory = default_memory() if memory is None else memory
        self._norms: Sums | None = None
        self._squares = self._raw_squares()
        require_products(self._squares, "gradients")
        self.zeros = 0
        if metric == "cosine":
            zero = self._squares <= 0
            self.zeros = int(zero.sum())
            self._norms = np.where(zero, np.inf, np.sqrt(self._squares))
            self._squares = (~zero).astype(np.float64)
        self._squares.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.errors if self._which is None else self._which)

    @property
    def c(self) -> int:
        """Number of classes."""
        return self.errors.shape[1]

    @property
    def d(self) -> int:
        """Number of features, without the bias."""
        return self.features.shape[1]

    @property
    def width(self) -> int:
        """Numbers per sample: c + d."""
        return self.c + self.d

    @property
    def metric(self) -> Metric:
        """`euclidean` or `cosine`."""
        return self._metric

    def factors(self, which: slice | Rows) -> tuple[Block, Block]:
        """(b, c) errors, scaled by the metric, and (b, d) features, both float32."""
        at = which if self._which is None else self._which[which]
        errors, features = widened(self.errors[at]), widened(self.features[at])
        if self._norms is not None:
            errors = errors * (1 / self._norms[which, None]).astype(np.float32)
        return errors, features

    def wide(self, which: slice | Rows) -> tuple[Wide, Wide]:
        """(b, c) errors, scaled by the metric in float64, and (b, d) features, both float64."""
        at = which if self._which is None else self._which[which]
        errors, features = (widened(part[at]).astype(np.float64) for part in (self.errors, self.features))
        if self._norms is not None:
            errors /= self._norms[which, None]
        return errors, features

    def squared_norms(self) -> Sums:
        """(n,) float64 ``‖e‖²(1 + ‖h‖²)``; under cosine 1, or 0 where the gradient is."""
        return self._squares

    def products(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 inner products."""
        (e, h), (f, g) = self.factors(one), self.factors(two)
        product: Block = h @ g.T
        product += 1
        product *= e @ f.T
        return product

    def dot(self, vector: Vector) -> Sums:
        """(n,) float64 inner product of every gradient with a matrix (c, d + 1), float64 throughout."""
        out = np.empty(self.n, np.float64)
        for span in self._spans():
            e, h = self.wide(span)
            if self.c < self.d:  # the longer axis in the product, the shorter one in the sum
                out[span] = np.einsum("bc,bc->b", h @ vector[:, :-1].T + vector[:, -1], e)
            else:
                mixed = e @ vector
                out[span] = np.einsum("bd,bd->b", mixed[:, :-1], h) + mixed[:, -1]
        return out

    def sum(self, weights: Sums | None = None) -> Vector:
        """(c, d + 1) float64 Σ wᵢ gᵢ, float64 throughout: a residual is the difference of two such sums."""
        total = np.zeros((self.c, self.d + 1), np.float64)
        for span in self._spans():
            e, h = self.wide(span)
            if weights is not None:
                e *= weights[span, None]
            total[:, :-1] += e.T @ h
            total[:, -1] += e.sum(0)
        return total

    def subset(self, rows: Rows) -> GradientSpace:
        """Return these samples in this order, as a view."""
        which = np.asarray(rows, np.int64) if self._which is None else self._which[rows]
        return self._view(which, self._metric)

    def under(self, metric: Metric) -> GradientSpace:
        """Return the same gradients under another metric, without a copy."""
        return self if metric == self._metric else self._view(self._which, metric)

    def coordinates(self) -> EmbeddingSpace:
        """Return a sketch: vectors of 512 dimensions whose inner products are nearly those of the gradients.

        Each dimension is the product of one random ±1 projection of e and one of [h; 1], divided by √512:
        unbiased, off by about ``√(2 / 512)·‖gᵢ‖‖gⱼ‖``. The same for the same factors, whatever the seed.

        References
        ----------
        Kar & Karnick, "Random Feature Maps for Dot Product Kernels", AISTATS 2012, arXiv:1201.6530.
        """
        from prune.system.executors.threads import threads

        rng = np.random.default_rng(0)
        of_errors = _signs(rng, self.c)
        of_features = _signs(rng, self.d + 1)
        out = np.empty((self.n, SKETCH), np.float32)

        def sketch(span: slice) -> None:
            e, h = self.factors(span)
            out[span] = (e @ of_errors) * (h @ of_features[:-1] + of_features[-1])

        with threads() as pool:
            list(pool.map(sketch, self._spans()))
        out *= np.float32(SKETCH**-0.5)
        return EmbeddingSpace(out, metric=self._metric, device=self.device, memory=self.memory)

    def _view(self, which: Rows | None, metric: Metric) -> GradientSpace:
        return GradientSpace(
            self.errors, self.features, metric=metric, device=self.device, rows=which, memory=self.memory
        )

    def _spans(self) -> list[slice]:
        return [slice(start, min(start + BLOCK, self.n)) for start in range(0, self.n, BLOCK)]

    def _raw_squares(self) -> Sums:
        refuse_what_is_not_finite(self.errors, self._which, "errors")
        refuse_what_is_not_finite(self.features, self._which, "features")
        squares = np.empty(self.n, np.float64)
        for span in self._spans():
            e, h = self.factors(span)
            length = 1 + np.einsum("bd,bd->b", h, h, dtype=np.float64)
            squares[span] = np.einsum("bc,bc->b", e, e, dtype=np.float64) * length
        return squares


def errors_of(probs: Probs, labels: Labels, *, overwrite: bool = False) -> Embeddings:
    """Return p − onehot(y) in the type of `probs`, (n, c), without losing small errors to rounding.

    The entry of the label is the negated sum of the others: 1 − p has no digits left where p rounds to 1.
    With `overwrite`, the errors take the place of `probs`.

    Raises
    ------
    ValueError
        A label is not in ``[0, c)``.
    """
    n, c = probs.shape
    if n and not 0 <= labels.min() <= labels.max() < c:
        raise ValueError(f"labels span [{labels.min()}, {labels.max()}], but probs has {c} classes")
    errors: Embeddings = probs if overwrite else probs.copy()
    for start in range(0, n, BLOCK):
        block = errors[start : start + BLOCK]
        at = np.arange(len(block)), labels[start : start + BLOCK]
        block[at] = 0
        block[at] = -block.sum(1, dtype=np.float32)
    return errors


def _require_factors(errors: Embeddings, features: Embeddings, metric: Metric) -> None:
    for name, values in (("errors", errors), ("features", features)):
        if values.ndim != 2 or 0 in values.shape or values.dtype not in (np.float16, np.float32):
            raise ValueError(f"{name} are {values.dtype} {values.shape}, not a float16 or float32 matrix")
    if len(errors) != len(features):
        raise ValueError(f"{len(errors)} errors, but {len(features)} features")
    if metric not in get_args(Metric):
        raise ValueError(f"metric {metric!r} is not one of {', '.join(get_args(Metric))}")


def _signs(rng: np.random.Generator, size: int) -> npt.NDArray[Any]:
    return rng.choice(np.array([-1, 1], np.float32), (size, SKETCH))
