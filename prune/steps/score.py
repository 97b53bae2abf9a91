"""Score: one column a score, from a proxy, a model of the user's, or a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prune import report
from prune.candidates import directions
from prune.opening import Opened, all_rejects, opened
from prune.progress import Clock
from prune.readers.account import account
from prune.scoring import Scored, outdated, scores_of
from prune.settings import Settings
from prune.store import Store
from prune.supplies import FEATURES


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where scores are written, and by what."""

    store: Store
    data: str | None
    command: str  # what makes them, in words
    settings: Settings
    clock: Clock


def score(run: Run, compute: Callable[[Opened], Scored]) -> dict[str, Any]:
    """Compute scores on an opened dataset, and publish them."""
    store = run.store
    with opened(store, run.data, run.settings) as ready:
        done = compute(ready)
        scores = scores_of(ready, done.columns)
        gone = outdated(done.columns, store.columns_if_any)
        store.publish(dataset=ready.fingerprint, columns=done.columns, without=gone)
        rejects = all_rejects(store, ready.dataset)
        seconds = run.clock.stop()
        made = [name for name in done.columns if name == FEATURES or not name.startswith("embedding.")]
        store.remember_timings("score", seconds, run.command, made)
    return {
        "n": len(ready.dataset),
        "dataset": account(ready.dataset),
        "classes": len(ready.dataset.classes),
        "rejects": len(rejects),
        "skipped_shards": dict(ready.dataset.skipped),
        "embeddings": [name for name in store.columns if name.startswith("embedding.")],
        "scores": report.summaries(scores, directions(store), done.about),
        **done.facts,
        "seconds": seconds,
    }
