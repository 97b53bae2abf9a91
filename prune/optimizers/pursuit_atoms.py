"""Atoms of a pursuit: samples, or groups of consecutive samples that come and go together."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import BLOCK, Space, Sums, Vector
from prune.optimizers.pursuit_gram import Gram, exact_dot, exact_products, exact_sum

TILE = 2048  # samples: two tiles of float64 products take 64 MB


class Atoms:
    """The sums of `batch` consecutive samples each; the last has what is left."""

    def __init__(self, space: Space, batch: int = 1) -> None:
        self.space, self.batch = space, batch
        self.starts = np.arange(0, space.n, batch)

    def __len__(self) -> int:
        return len(self.starts)

    def rows(self, atoms: Rows) -> Rows:
        """Return the samples of these atoms, atom after atom."""
        every = (np.asarray(atoms)[:, None] * self.batch + np.arange(self.batch)).ravel()
        return every[every < self.space.n]

    def sizes(self, atoms: Rows) -> Rows:
        """How many samples each has."""
        return np.minimum(self.batch, self.space.n - np.asarray(atoms) * self.batch)

    def gram(self) -> Gram:
        """(m, m) float64 inner products of all atoms, a tile of samples at a time."""
        m, step = len(self), max(TILE // self.batch, 1)
        if m <= step:
            return self._products(slice(0, m), None)
        gram = np.empty((m, m))
        tiles = [slice(start, min(start + step, m)) for start in range(0, m, step)]
        for i, one in enumerate(tiles):
            gram[one, one] = self._products(one, None)
            for two in tiles[:i]:
                gram[one, two] = self._products(one, two)
                gram[two, one] = gram[one, two].T
        return gram

    def products(self, atom: int, others: Rows) -> Sums:
        """(t,) float64 inner products of one atom with others."""
        one = self.rows(np.array([atom]))
        out = np.empty(len(others))
        step = max(BLOCK // self.batch, 1)
        for start in range(0, len(others), step):
            part = np.asarray(others[start : start + step])
            sums = exact_products(self.space, one, self.rows(part)).sum(0)
            out[start : start + step] = np.add.reduceat(sums, self._starts(part))
        return out

    def squared_norms(self) -> Sums:
        """(m,) float64."""
        if self.batch == 1:
            return self.space.squared_norms()
        return np.array([self.products(atom, np.array([atom]))[0] for atom in range(len(self))])

    def dot(self, vector: Vector) -> Sums:
        """(m,) float64 inner product of every atom with a point of the space."""
        values = self.space.dot(vector)
        return values if self.batch == 1 else np.add.reduceat(values, self.starts)

    def exact_dot(self, atoms: Rows, vector: Vector) -> Sums:
        """(t,) inner product of some atoms with a point of the space, float64 throughout."""
        values = exact_dot(self.space, self.rows(atoms), vector)
        return values if self.batch == 1 else np.add.reduceat(values, self._starts(atoms))

    def sum(self, atoms: Rows, weights: Sums) -> Vector:
        """Σ wⱼ aⱼ in float64."""
        return exact_sum(self.space, self.rows(atoms), np.repeat(weights, self.sizes(atoms)))

    def _products(self, one: slice, two: slice | None) -> Gram:
        products = exact_products(self.space, self._span(one), None if two is None else self._span(two))
        if self.batch == 1:
            return products
        for axis, which in ((0, one), (1, one if two is None else two)):
            starts = (self.starts[which] - self.starts[which.start]).astype(np.intp)
            products = np.add.reduceat(products, starts, axis=axis)
        return products

    def _span(self, atoms: slice) -> slice:
        return slice(atoms.start * self.batch, min(atoms.stop * self.batch, self.space.n))

    def _starts(self, atoms: Rows) -> Rows:
        sizes = self.sizes(atoms)
        starts: Rows = (np.cumsum(sizes) - sizes).astype(np.int64)
        return starts
