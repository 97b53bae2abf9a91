"""Everything known about a dataset, one column per fact. The format is in FORMAT.md."""

from prune.store.column import Column, ColumnPart, ColumnWriter
from prune.store.growth import CarriedRows, Carry, Growth, nothing_carried, undated
from prune.store.layout import PART_ROWS, identity
from prune.store.nested_prefix import Prefix, prefix
from prune.store.row_matches import RowMatches, match_rows
from prune.store.samples import HELD_OUT, SAMPLES, Dataset
from prune.store.selections import (
    StoredSelection,
    digest_of_keys,
    outdated_by,
    read_earlier_selection,
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
    "CarriedRows",
    "Carry",
    "Column",
    "ColumnPart",
    "ColumnWriter",
    "Dataset",
    "Growth",
    "Prefix",
    "RowMatches",
    "Store",
    "StoredSelection",
    "digest_of_keys",
    "ended",
    "identity",
    "match_rows",
    "noted",
    "nothing_carried",
    "outdated_by",
    "prefix",
    "read_earlier_selection",
    "read_selection",
    "require_current",
    "settle_selection",
    "undated",
    "write_selection",
]
