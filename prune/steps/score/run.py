"""Score: one column a score, from a proxy, a model of the user's, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prune.core.column_name import EMBEDDING, of_kinds
from prune.core.progress import Clock
from prune.readers.scan_summary import account
from prune.steps.command_line import command_line
from prune.steps.dataset_session import opened
from prune.steps.rejects import all_rejects
from prune.steps.report.scores import summaries
from prune.steps.score.compute import compute, scores_of
from prune.steps.score.publish import publish_scores
from prune.steps.score.request import ScoreRequest
from prune.steps.score_columns import directions
from prune.steps.settings import Settings
from prune.store import Store


@dataclass(frozen=True, kw_only=True)
class ScoreWrite:
    """Where scores are written, and by what."""

    store: Store
    data: str | None
    given: Mapping[str, Any]  # the parameters of `prune.score`, as it was called
    settings: Settings
    clock: Clock


def score(run: ScoreWrite, wanted: ScoreRequest) -> dict[str, Any]:
    """Compute scores on an opened dataset, and publish them."""
    store = run.store
    command = command_line("score", run.given, run.settings)
    with opened(store, run.data, run.settings, verb="score", command=command) as ready:
        store.made.clear()
        done = compute(ready, wanted)
        scores = scores_of(ready, done.columns)
        seconds, unchanged = publish_scores(ready, done, run.given, run.clock)
        rejects = all_rejects(store, ready.dataset)
    return {
        "n": len(ready.dataset),
        "dataset": account(ready.dataset),
        "classes": len(ready.dataset.classes),
        "rejects": len(rejects),
        "skipped_shards": dict(ready.dataset.skipped),
        "embeddings": list(of_kinds(store.columns, EMBEDDING)),
        "scores": summaries(scores, directions(store), done.about),
        **done.facts,
        "unchanged": unchanged,
        "seconds": seconds,
    }
