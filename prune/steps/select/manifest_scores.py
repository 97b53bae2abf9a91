"""The scores in a manifest: every one that exists, those too that were added after the choice."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from prune.core.column_name import (
    EXTRAPOLATED,
    LATER,
    SCORE,
    SUSPECT,
    SUSPECT_RANK,
    ColumnName,
    deciding,
    of_kinds,
)
from prune.steps.score_columns import directions
from prune.store import Store, read_selection, settle_selection, write_selection
from prune.store.selections import StoredSelection

_PARTS = {"", SUSPECT, SUSPECT_RANK, EXTRAPOLATED, LATER}


def manifest_scores(store: Store) -> dict[str, pa.Array]:
    """Return the columns of a manifest that are scores."""
    return {name: pa.array(store.column(name).read()) for name in _names(store.columns)}


def with_all_scores(store: Store, stored: StoredSelection) -> StoredSelection:
    """Return a selection that stands as if chosen now: its scores, the columns beside it; under the lock.

    So its bytes do not tell which command came first.
    """
    shown, then = store.state["columns"], stored.about["columns"]
    now = dict(sorted(deciding(shown).items()))
    if now == then:
        return stored
    table = stored.manifest
    table = table.drop_columns([name for name in table.column_names if ColumnName(name).kind == SCORE])
    for name, values in manifest_scores(store).items():
        table = table.append_column(name, values)
    about = {**stored.about, "columns": now, "directions": directions(store)}
    digest = write_selection(store, stored.name, table, about)
    store.publish(selections={stored.name: digest})
    settle_selection(store, stored.name)
    return read_selection(store, stored.name)


def _names(columns: Iterable[str]) -> list[str]:
    return [name for name in of_kinds(columns, SCORE) if name.part in _PARTS]
