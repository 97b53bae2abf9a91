"""Score: one column a score, from a proxy, a model of the user's, or a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prune import report
from prune.candidates import directions
from prune.opening import Opened, all_rejects, opened
from prune.progress import Clock
from prune.publishing import publish_scores
from prune.readers.account import account
from prune.scoring import Scored, scores_of
from prune.settings import Settings
from prune.store import Store, noted
from prune.typed import typed


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where scores are written, and by what."""

    store: Store
    data: str | None
    given: Mapping[str, Any]  # the parameters of `prune.score`, as it was called
    settings: Settings
    clock: Clock


def score(run: Run, compute: Callable[[Opened], Scored]) -> dict[str, Any]:
    """Compute scores on an opened dataset, and publish them."""
    store = run.store
    command = typed("score", run.given, run.settings)
    with opened(store, run.data, run.settings) as ready, noted(store.path, "score", command):
        store.made.clear()
        done = compute(ready)
        scores = scores_of(ready, done.columns)
        seconds, unchanged = publish_scores(ready, done, run.given, run.clock)
        rejects = all_rejects(store, ready.dataset)
    return {
        "n": len(ready.dataset),
        "dataset": account(ready.dataset),
        "classes": len(ready.dataset.classes),
        "rejects": len(rejects),
        "skipped_shards": dict(ready.dataset.skipped),
        "embeddings": [name for name in store.columns if name.startswith("embedding.")],
        "scores": report.summaries(scores, directions(store), done.about),
        **done.facts,
        "unchanged": unchanged,
        "seconds": seconds,
    }
