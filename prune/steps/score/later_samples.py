"""Samples that came after a training: scored held out, and how far such scores lie from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.lots import lots
from prune.core.method_rows import Scorer
from prune.proxy import NETWORK_NEEDS, Proxy
from prune.steps.dataset_session import Opened
from prune.steps.report.agreement import spearman
from prune.steps.score.imputation import Filling
from prune.steps.score.inputs import ScoringJob, facts_of
from prune.store import Column

_ASKED = 1000  # samples at most whose scores are compared with those of their neighbours


@dataclass(frozen=True)
class LaterSamples:
    """Those that proxies look at and did not train on as they are, as they came later."""

    rows: Rows
    control: Proxy | None = None  # trained on a part of the others, and asked about some that it did not see
    learnt: Rows = field(default_factory=lambda: np.zeros(0, np.int64))  # the same bytes were trained on


def by_control(
    job: ScoringJob, method: Scorer, options: Mapping[str, Any], control: Proxy
) -> dict[str, Any] | None:
    """Compare the scores that old samples have with those that a network gives them which never saw them.

    Returns
    -------
    dict
        by; samples: how many are compared, learnt: how many the control trained on, spearman: the rank
        correlation, shift: the median difference, held out less in training. None where nothing is compared.
    """
    assert control.share is not None
    asked = control.share.watched
    own = [fact[..., asked] for fact in facts_of(job, method, 0)]
    other = [
        fact[asked] if need in NETWORK_NEEDS else fact
        for need, fact in zip(method.needs, facts_of(job, method, control.name), strict=True)
    ]
    ours, theirs = (method.function(*facts, **options) for facts in (own, other))
    found = _compared(ours, theirs)
    return None if found is None else {"by": "control", "learnt": len(control.share.learnt), **found}


def by_neighbours(
    opened: Opened, space: Column, scored: Rows, values: Array, seed: int
) -> dict[str, Any] | None:
    """Compare scores of samples with those that their neighbours would give them; as `by_control`."""
    known = scored[np.isfinite(values[scored])]
    keys = opened.dataset.samples["key"].take(known).to_pylist()
    asked = np.sort(
        known[np.argsort(lots(keys, f"compared\0{seed}"), kind="stable")[: min(_ASKED, len(known) // 4)]]
    )
    if not len(asked):
        return None
    filled = Filling(opened, space, np.setdiff1d(known, asked), known).fill({"": values})[""]
    found = _compared(values[asked], filled[asked])
    return None if found is None else {"by": "neighbours", **found}


def _compared(ours: Array, theirs: Array) -> dict[str, Any] | None:
    known = np.isfinite(ours) & np.isfinite(theirs)
    if not known.any():
        return None
    rank = spearman(ours, theirs)
    return {
        "samples": int(known.sum()),
        "spearman": rank if np.isfinite(rank) else None,
        "shift": float(np.median(theirs[known].astype(np.float64) - ours[known])),
    }
