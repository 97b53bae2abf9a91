"""Weights of a target: how much each of its samples counts."""

from __future__ import annotations

import numpy as np

from prune.core.errors import OptionError
from prune.index.space import Sums


def weights_of_target(weights: Sums | None, t: int) -> Sums:
    """(t,) float64: 1 each by default.

    Raises
    ------
    OptionError
        They are not t numbers, one is negative or not finite, or all are 0.
    """
    if weights is None:
        return np.ones(t)
    found = np.asarray(weights, np.float64)
    if found.shape != (t,):
        raise OptionError(f"the target has {t} samples, and its weights the shape {found.shape}")
    if not np.isfinite(found).all() or found.min() < 0 or not found.any():
        raise OptionError(
            f"the weights of {t} target samples span [{found.min():g}, {found.max():g}]; "
            "they must be at least 0, finite and not all 0"
        )
    return found
