"""Samples that do not meet a condition on columns: false, or unknown where a value is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.progress import Reporter
from prune.core.safe_text import counted
from prune.steps.columns.expression import EXAMPLE, Condition
from prune.steps.columns.known import ColumnValues
from prune.store import Store

FAILS = "does not meet --where"
UNKNOWN = "lacks a value of --where"


@dataclass(frozen=True)
class WhereFilter:
    """What a condition says of every sample that can be read."""

    condition: Condition
    met: int
    failing: Rows
    unknown: Rows  # a value that it depends on is missing: not kept, as in SQL

    @property
    def described(self) -> dict[str, Any]:
        """What `selection.json` says of it."""
        return {
            "condition": self.condition.text,
            "columns": list(self.condition.columns),
            "met": self.met,
            "not_met": len(self.failing),
            "unknown": len(self.unknown),
        }


def where_filter(store: Store, condition: Condition, reporter: Reporter) -> WhereFilter:
    """Ask a condition of all samples that can be read, some ten thousand at a time.

    Raises
    ------
    OptionError
        No sample meets it, or it does not go together with the values.
    """
    dataset = store.dataset
    usable = np.zeros(len(dataset), bool)
    usable[dataset.usable] = True
    failing, unknown = [], []
    for start, values in ColumnValues(store, dataset, condition.columns).blocks():
        found = condition.holds(values)
        own = usable[start : start + len(found)]
        null = found.is_null().to_numpy(zero_copy_only=False)
        true = pc.fill_null(found, False).to_numpy(zero_copy_only=False)
        failing.append(start + np.flatnonzero(own & ~true & ~null))
        unknown.append(start + np.flatnonzero(own & null))
    out = WhereFilter(
        condition,
        int(usable.sum()) - sum(map(len, failing)) - sum(map(len, unknown)),
        np.concatenate(failing).astype(np.int64),
        np.concatenate(unknown).astype(np.int64),
    )
    if not out.met:
        null = f" ({counted(len(out.unknown), 'sample')} without a value)" if len(out.unknown) else ""
        raise OptionError(f"no sample meets --where {condition.text!r}{null}", EXAMPLE)
    if len(out.unknown):
        lack = "lacks" if len(out.unknown) == 1 else "lack"
        reporter.say(
            f"{counted(len(out.unknown), 'sample')} {lack} a value of --where, and are left out: "
            "`or x is null` lets them in"
        )
    return out
