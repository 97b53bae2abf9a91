"""Summary of a score in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Scores

_QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}


def summaries(
    scores: Mapping[str, Scores],
    directions: Mapping[str, str],
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return direction, count of finite values and quartiles of each score, and what else is known of it."""
    return {
        name: {"high": directions.get(name, ""), **_summary(values), **(more or {}).get(name, {})}
        for name, values in scores.items()
    }


def _summary(values: Scores) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"samples": 0}
    quantiles = np.quantile(finite.astype(np.float64), list(_QUANTILES.values()))
    return {"samples": len(finite), **dict(zip(_QUANTILES, map(float, quantiles), strict=True))}
