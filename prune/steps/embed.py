"""Embed: one column of features of every sample."""

from __future__ import annotations

from typing import Any

from prune.core.column_name import ColumnName
from prune.core.progress import Clock
from prune.encoders import PRECOMPUTED, cut_in
from prune.readers.scan_summary import account
from prune.steps.dataset_session import opened
from prune.steps.embedding_column import EmbedRequest, embed_column
from prune.steps.rejects import check_rejects
from prune.steps.settings import Settings
from prune.store import Column, Store, identity


def embed(
    store: Store, data: str | None, asked: EmbedRequest, *, command: str, settings: Settings, clock: Clock
) -> dict[str, Any]:
    """Write the column and publish it; `command` is what made it, in words."""
    with opened(store, data, settings, verb="embed", command=command) as ready:
        store.made.clear()
        column = embed_column(ready, asked)
        rejects = {**ready.dataset.rejects, **column.rejects()}
        check_rejects(ready, rejects)
        shown = store.state["columns"] if store.holds_dataset(ready.fingerprint) else {}
        finished = column.finish()
        same = shown.get(finished.name) == identity(finished.recipe)
        store.publish(dataset=ready.fingerprint, columns={finished.name: identity(finished.recipe)})
        seconds = clock.stop()
        if finished.name in store.made and finished.name != ColumnName.embedding(PRECOMPUTED):
            store.add_cost(identity(finished.recipe), seconds["total"])
        store.remember_timings("embed", seconds, command, [finished.name])
    return {
        "n": len(ready.dataset),
        "dataset": account(ready.dataset),
        "column": finished.name,
        "shape": list(finished.shape),
        "unchanged": same and finished.name not in store.made,
        "rejects": len(rejects),
        **_cut(finished),
        "skipped_shards": dict(ready.dataset.skipped),
        "seconds": seconds,
    }


def _cut(column: Column) -> dict[str, Any]:
    """Return how many samples are longer than their encoder looks, and how far that is; of images nothing."""
    limit = column.recipe.get("length")
    return {} if limit is None else {"cut": {"samples": cut_in(column), "limit": limit}}
