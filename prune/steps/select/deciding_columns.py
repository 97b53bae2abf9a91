"""The columns that decide a choice, told from the request: what is added beside them chooses nothing anew."""

from __future__ import annotations

from collections.abc import Iterator

from prune.core.column_name import FEATURES, PROBS
from prune.steps.columns.known import column_behind
from prune.steps.explain.doubted_labels import usual_column
from prune.steps.score_columns import score_column
from prune.steps.select.class_errors import own_traces, traces
from prune.steps.select.request import SelectRequest
from prune.steps.select.suspect_list import AUTO
from prune.steps.space_columns import GRADIENTS, space_name
from prune.store import Store


def deciding_columns(store: Store, request: SelectRequest) -> dict[str, str]:
    """Return the columns that decide, name -> identity: made again, they would choose other samples.

    Raises
    ------
    OptionError, MissingColumnError
        One is not there, or it is not clear which is meant.
    """
    shown = store.state["columns"]
    return {name: shown[name] for name in sorted(set(_names(store, request)))}


def _names(store: Store, request: SelectRequest) -> Iterator[str]:
    method = request.selector
    if request.goes_by_score:
        score = score_column(store, request.score, method.score)
        yield score.name
        if "easiness" in method.needs and not own_traces(score):
            yield from (trace.name for trace in traces(store))
    if request.drops_hardest:
        yield score_column(store, request.drop_by or request.score, method.score).name
    if PROBS in method.needs:
        yield store.column(PROBS).name
    if request.needs_space:
        space = space_name(store, request.on or method.on or None)
        yield from (PROBS, FEATURES) if space == GRADIENTS else (space,)
    if request.quota == "drop" and request.quota_errors is None:
        yield from (trace.name for trace in traces(store))
    for name in request.columns:
        if (behind := column_behind(store, name)) is not None:
            yield behind
    if request.drop_suspects == AUTO and (column := usual_column(store)) is not None:
        yield column.name
