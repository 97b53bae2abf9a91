"""Facts that scores are computed from, wherever they come from: columns of one or several trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from prune.core.arrays import Rows
from prune.steps.dataset_session import Opened
from prune.steps.score.inputs import ScoringJob
from prune.steps.score.proxy_request import ProxyRequest
from prune.steps.score.proxy_runs import TrainedRuns
from prune.store import Column


@dataclass(frozen=True, kw_only=True)
class ScoreFacts:
    """What a source of facts left; see `ScoringJob` for most of it."""

    columns: Mapping[str, str]  # finished, name -> identity
    usable: Rows
    runs: int = 1
    images: Column | None = None
    space: str | None = None
    trained: TrainedRuns | None = None  # the proxies, if these were trained
    near: str | None = None  # the space whose neighbours give scores to samples that no proxy looked at
    request: ProxyRequest | None = None  # what of it was said, and what was taken over
    spent: float = field(default=0.0)  # seconds on proxies before this command
    pair: tuple[str, ...] = ()

    def job(self, opened: Opened) -> ScoringJob:
        """Return what all scores share."""
        known = self.columns, range(self.runs), self.usable, self.images, self.space, self.pair
        return ScoringJob(opened, *known)


def usable_rows(opened: Opened, rejects: Mapping[int, str]) -> Rows:
    """Return the rows that were not rejected, and are not held out."""
    return np.setdiff1d(opened.dataset.usable, np.array(sorted(rejects), np.int64))
