"""What `score` computed becomes what the store shows, and what it takes the place of is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prune.core.column_name import (
    DEEPFOOL,
    EMBEDDING,
    FEATURES,
    GRAD_NORM,
    HELD_OUT,
    OF_A_RUN,
    SCORE,
    TRACE,
    ColumnName,
    of_kinds,
    scores_among,
)
from prune.core.progress import Clock
from prune.steps.command_line import command_line
from prune.steps.dataset_session import Opened
from prune.steps.replacement import tell_replaced
from prune.steps.score.compute import Scored
from prune.steps.score.earlier_training import in_full
from prune.store import Store


def publish_scores(
    ready: Opened, done: Scored, asked: Mapping[str, Any], clock: Clock
) -> tuple[dict[str, float], bool]:
    """Show what was computed, and keep what makes it again.

    Parameters
    ----------
    asked
        The parameters of `score`, as it was called.

    Returns
    -------
    tuple
        Seconds of each stage, and whether the store shows just what it did before, none of it made again.
    """
    store, settings = ready.store, ready.settings
    shown = store.state["columns"] if store.holds_dataset(ready.fingerprint) else {}
    gone = outdated(done.columns, list(shown), kept_of(store, done.columns))
    new = [name for name, id_ in done.columns.items() if shown.get(name) != id_]
    if done.trained is None:  # of what a training replaces was told before it
        tell_replaced(store, [name for name in new if name in shown], settings.reporter.say)
    made = [name for name in done.columns if name in new or name not in store.commands]
    store.publish(
        dataset=ready.fingerprint, columns=done.columns, without=gone, grown=ready.grown is not None
    )
    seconds = clock.stop()
    command = command_line("score", asked, settings)
    if done.trained is not None and done.request is not None:
        training = done.trained.training
        full = {**asked, **in_full(training, done.request)}
        command = command_line("score", full, replace(settings, seed=training.seed))
    made = [name for name in made if name == FEATURES or ColumnName(name).kind != EMBEDDING]
    unchanged = not new and not gone and not store.made & set(done.columns)
    store.remember_timings("score", seconds, command, made, idle=unchanged)
    return seconds, unchanged


def outdated(columns: Mapping[str, str], shown: Sequence[str], kept: Collection[str] = ()) -> set[str]:
    """Return columns that are shown but belong to an earlier run of what was just computed.

    Companions of a score that it has no longer, and traces beyond the number of runs; not what is `kept`.
    """
    scores = scores_among(columns)
    old: set[str] = {name for name in of_kinds(shown, SCORE) if name.part and name.whole in scores}
    if of_kinds(columns, TRACE):
        old |= {*of_kinds(shown, *OF_A_RUN), HELD_OUT} & set(shown)
    return old - set(columns) - set(kept)


def kept_of(store: Store, columns: Mapping[str, str]) -> set[str]:
    """Return what is shown of the networks of these very traces, though it was not asked for now."""
    kept = set[str]()
    for name in of_kinds(store.columns_if_any, GRAD_NORM, DEEPFOOL):
        trace = ColumnName.trace(name.rest)
        if trace in columns and (store.recipe_of(name) or {}).get("trace") == columns[trace]:
            kept.add(name)
    return kept
