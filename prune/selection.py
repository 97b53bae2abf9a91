"""What a selector returns: rows in the order taken, a weight and a gain each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.arrays import Gains, Rows, Weights


@dataclass(frozen=True)
class Selection:
    """k rows. A smaller budget is a prefix, wherever the method allows."""

    rows: Rows
    weights: Weights
    gains: Gains

    @classmethod
    def of(cls, rows: Rows, gains: Gains | None = None, weights: Weights | None = None) -> Selection:
        """Fill in weights of 1 and gains of 0 where a method has none."""
        k = len(rows)
        return cls(
            np.asarray(rows, np.int64),
            np.ones(k, np.float32) if weights is None else np.asarray(weights, np.float32),
            np.zeros(k, np.float32) if gains is None else np.asarray(gains, np.float32),
        )

    def __len__(self) -> int:
        return len(self.rows)
