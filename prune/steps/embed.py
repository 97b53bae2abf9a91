"""Embed: one column of features of every sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from prune.core.column_name import EMBEDDING, ColumnName, of_kinds
from prune.core.method_names import caption_tower
from prune.core.progress import Clock
from prune.encoders import PRECOMPUTED, cut_in
from prune.readers.scan_summary import account
from prune.steps.dataset_session import Opened, opened
from prune.steps.embedding_column import EmbedRequest, EncodedColumn, embed_column
from prune.steps.grown_dataset import growth_of, tell_earlier
from prune.steps.rejects import check_rejects
from prune.steps.settings import Settings
from prune.steps.text_payloads import captions_in
from prune.store import Column, Store, identity
from prune.system.executors.share import RunShare


def embed(
    store: Store, data: str | None, asked: EmbedRequest, *, command: str, settings: Settings, clock: Clock
) -> dict[str, Any]:
    """Write the column and publish it; `command` is what made it, in words."""
    words: dict[str, Any] = {"verb": "embed", "command": command, "grows": True}
    share, made_now = settings.share, 0
    if share is not None:
        settings = replace(settings, wait=True)  # for the other runs, who hold the store but for moments
        with opened(store, data, settings, **words) as ready:
            begun = [embed_column(ready, one) for one in _all(ready, asked)]
        made_now = _make_share(begun, share)
    with opened(store, data, settings, **words) as ready:
        store.made.clear()
        encoded = [embed_column(ready, one) for one in _all(ready, asked)]
        parts = None if share is None else _parts(share, encoded, made_now)
        if parts is not None and parts["missing"]:
            return _unfinished(ready, encoded, parts, clock)
        writers = [one.writer for one in encoded]
        rejects = dict(ready.dataset.rejects)
        for writer in writers:
            rejects |= writer.rejects()
        check_rejects(ready, rejects)
        shown = store.state["columns"] if store.holds_dataset(ready.fingerprint) else {}
        columns = [writer.finish() for writer in writers]
        finished = columns[0]
        known = {column.name: identity(column.recipe) for column in columns}
        same = {name: shown.get(name) == of and name not in store.made for name, of in known.items()}
        read, kept = sum(one.read for one in encoded), sum(one.kept for one in encoded)
        growth = growth_of(ready.grown, ready.growth, finished.name, read, kept)
        store.publish(dataset=ready.fingerprint, columns=known, grown=ready.grown is not None)
        if ready.grown is not None:
            tell_earlier(store, settings.reporter.say)
        seconds = clock.stop()
        if finished.name in store.made and finished.name != ColumnName.embedding(PRECOMPUTED):
            store.add_cost(identity(finished.recipe), seconds["total"])
        # a command that made nothing may lack what made the column, such as its weights
        made = [name for name in known if asked.weights is not None or not same[name]]
        store.remember_timings("embed", seconds, command, made, idle=all(same.values()))
    return {
        "n": len(ready.dataset),
        "dataset": account(ready.dataset),
        "column": finished.name,
        "shape": list(finished.shape),
        "unchanged": same[finished.name],
        "rejects": len(rejects),
        "parts": parts,
        "growth": growth,
        "embeddings": list(of_kinds(store.columns, EMBEDDING)),
        **_cut(finished),
        **({} if len(columns) == 1 else {"captions": _captions(columns[1], same)}),
        "skipped_shards": dict(ready.dataset.skipped),
        "seconds": seconds,
    }


def _make_share(begun: Sequence[EncodedColumn], share: RunShare) -> int:
    """Make the parts of one of several runs, without holding the store; return how many."""
    made = 0
    for column in begun:
        own = [part for part in column.missing if share.has(part.number)]
        if own and column.encode is not None:
            column.writer.swept = True  # whoever takes the store meanwhile tidies up
            column.encode(own)
            made += len(own)
    return made


def _parts(share: RunShare, encoded: Sequence[EncodedColumn], made: int) -> dict[str, int]:
    missing, whole = sum(len(one.missing) for one in encoded), sum(len(one.writer.parts) for one in encoded)
    return {"rank": share.rank, "world": share.world, "made": made, "missing": missing, "all": whole}


def _unfinished(
    ready: Opened, encoded: Sequence[EncodedColumn], parts: Mapping[str, int], clock: Clock
) -> dict[str, Any]:
    """Return what there is of a column of which others have to make parts."""
    return {
        "n": len(ready.dataset),
        "dataset": account(ready.dataset),
        "column": encoded[0].writer.name,
        "shape": [],
        "unchanged": False,
        "rejects": len(ready.dataset.rejects),
        "parts": parts,
        "growth": None,
        "embeddings": [],
        "skipped_shards": dict(ready.dataset.skipped),
        "seconds": clock.stop(),
    }


def _all(ready: Opened, asked: EmbedRequest) -> list[EmbedRequest]:
    """Return what was asked for, and what goes with it: beside images their captions in the same space."""
    captions = None if asked.encoder is None else caption_tower(asked.encoder)
    if captions is None or captions_in(ready) is None:
        return [asked]
    return [asked, replace(asked, encoder=captions)]


def _captions(column: Column, same: Mapping[str, bool]) -> dict[str, Any]:
    shape = {"column": column.name, "shape": list(column.shape), "unchanged": same[column.name]}
    return {**shape, **_cut(column)}


def _cut(column: Column) -> dict[str, Any]:
    """Return how many samples are longer than their encoder looks, and how far that is; of images nothing."""
    limit = column.recipe.get("length")
    return {} if limit is None else {"cut": {"samples": cut_in(column), "limit": limit}}
