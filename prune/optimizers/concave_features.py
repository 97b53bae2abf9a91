"""Feature-based functions: concave sums of non-negative coordinates, of the chosen together."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.errors import OptionError
from prune.index.space import BLOCK, Block, EmbeddingSpace, Sums
from prune.system.compilation import compiled

Concave: TypeAlias = Literal["sqrt", "log", "saturated"]
Negative: TypeAlias = Literal["split", "clip", "refuse"]

_KINDS = {"sqrt": 0, "log": 1, "saturated": 2}


class FeatureFunction:
    """``f(S) = Σ_f φ(Σ_{j∈S} x_jf)``; with split coordinates f runs over positive and negative parts.

    Parameters
    ----------
    space
        n vectors of d coordinates.
    concave
        φ: ``√x``, ``log(1 + x)`` or ``min(x, saturation·Σ_{j∈V} x_jf)``.
    saturation
        In ``(0, 1]``.
    negative
        What becomes of negative coordinates: parts of their own, zeros, or an error.
    given
        Rows in S from the start.

    Raises
    ------
    OptionError
        The saturation is out of range, or a coordinate is negative and is to be refused.
    """

    def __init__(
        self,
        space: EmbeddingSpace,
        concave: Concave = "sqrt",
        *,
        saturation: float = 0.1,
        negative: Negative = "split",
        given: Rows | None = None,
    ) -> None:
        if not 0 < saturation <= 1:
            raise OptionError(f"saturation={saturation:g} is not in (0, 1]", "--set saturation=0.1")
        self.space, self.n, self.kind = space, space.n, _KINDS[concave]
        self.signs = 1 if negative == "clip" else 2
        self.sums = np.zeros((2, space.d))  # of positive parts, of negative parts
        self.ends = np.full((2, space.d), np.inf)
        whole = np.zeros((2, space.d))
        for span, block in space.blocks():
            if negative == "refuse":
                _refuse(block, span.start)
            whole[0] += np.maximum(block, 0).sum(0, dtype=np.float64)
            whole[1] -= np.minimum(block, 0).sum(0, dtype=np.float64)
        if concave == "saturated":
            self.ends = saturation * whole
        for row in () if given is None else given.tolist():
            self.add(row)

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 for the current S."""
        out = np.empty(len(rows), np.float64)
        before = _values(self.sums, self.ends, self.kind)
        for start in range(0, len(rows), BLOCK):
            some = self.space.take(rows[start : start + BLOCK])
            _gains(some, self.signs, self.sums, self.ends, before, self.kind, out[start : start + BLOCK])
        return out

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        point = self.space.take(np.array([row]))[0].astype(np.float64)
        self.sums[0] += np.maximum(point, 0)
        if self.signs == 2:
            self.sums[1] -= np.minimum(point, 0)

    def value(self) -> float:
        """f of the current S."""
        return float(_values(self.sums, self.ends, self.kind)[: self.signs].sum())


def _refuse(block: Block, start: int) -> None:
    bad = np.argwhere(block < 0)
    if len(bad):
        row, column = bad[0]
        raise OptionError(
            f"coordinate {column} of row {start + row} is {block[row, column]:g}, and negative=refuse",
            "--set negative=split, or embeddings from after a ReLU",
        )


@compiled
def _phi(x: float, end: float, kind: int) -> float:
    if kind == 0:
        return np.sqrt(x)
    if kind == 1:
        return np.log1p(x)
    return min(x, end)


@compiled
def _values(sums: Sums, ends: Sums, kind: int) -> Array:
    out = np.empty_like(sums)
    for i in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            out[i, j] = _phi(sums[i, j], ends[i, j], kind)
    return out


@compiled
def _gains(block: Block, signs: int, sums: Sums, ends: Sums, before: Sums, kind: int, out: Sums) -> None:
    d = block.shape[1]
    after = np.empty(d)
    for i in range(len(block)):
        for j in range(d):
            x = np.float64(block[i, j])
            side = 0 if x >= 0 else 1
            size = abs(x) if side < signs else 0.0
            after[j] = _phi(sums[side, j] + size, ends[side, j], kind) - before[side, j]
        total = 0.0
        for j in range(d):
            total += after[j]
        out[i] = total
