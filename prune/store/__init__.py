"""Everything known about a dataset, one column per fact. The format is in FORMAT.md."""

from prune.store.column import Column, ColumnPart, ColumnWriter
from prune.store.layout import PART_ROWS, identity
from prune.store.nested_prefix import Prefix, prefix
from prune.store.samples import HELD_OUT, SAMPLES, Dataset
from prune.store.selections import (
    StoredSelection,
    digest_of_keys,
    outdated_by,
    read_selection,
    require_current,
    settle_selection,
    write_selection,
)
from prune.store.store import Store
from prune.store.unfinished import ended, noted

__all__ = [
    "HELD_OUT",
    "PART_ROWS",
    "SAMPLES",
    "Column",
    "ColumnPart",
    "ColumnWriter",
    "Dataset",
    "Prefix",
    "Store",
    "StoredSelection",
    "digest_of_keys",
    "ended",
    "identity",
    "noted",
    "outdated_by",
    "prefix",
    "read_selection",
    "require_current",
    "settle_selection",
    "write_selection",
]
