"""Score: one column a score, from a proxy, a model of the user's, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prune.core.column_name import EMBEDDING, OF_PAYLOADS, of_kinds
from prune.core.progress import Clock
from prune.readers.scan_summary import account
from prune.steps.command_line import command_line
from prune.steps.dataset_session import Opened, opened
from prune.steps.grown_dataset import growth_of, tell_earlier
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
    with opened(store, run.data, run.settings, verb="score", command=command, grows=True) as ready:
        store.made.clear()
        done = compute(ready, wanted)
        scores, growth = scores_of(ready, done.columns), _growth(ready)
        seconds, unchanged = publish_scores(ready, done, run.given, run.clock)
        if ready.grown is not None:
            tell_earlier(store, run.settings.reporter.say)
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
        "growth": growth,
        "unchanged": unchanged,
        "seconds": seconds,
    }


def _growth(ready: Opened) -> dict[str, int] | None:
    """Return what of the samples was read, and what carried over, where the dataset changed."""
    taken = ready.growth.taken
    names = sorted({*of_kinds(ready.store.made, *OF_PAYLOADS), *taken})
    kept = [len(taken[name].kept) if name in taken else 0 for name in names]
    read = sum(len(ready.dataset.usable) - count for count in kept)
    return growth_of(ready.grown, ready.growth, next(iter(taken), None), read, sum(kept))
