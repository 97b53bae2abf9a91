"""Labels in doubt among the kept samples."""

from __future__ import annotations

import numpy as np

from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.steps.check.chosen_again import chosen_again
from prune.steps.check.conditions import CheckedSelection, Outcome
from prune.steps.explain.doubted_labels import doubted_labels

_LISTED = 1000


def doubts(checked: CheckedSelection, most: float) -> Outcome:
    """Return the share of kept samples whose label is in doubt, or how many where the limit is a number."""
    doubted = doubted_labels(checked.store, checked.dataset)
    rows = doubted.rows[checked.kept[doubted.rows]]
    kept, keys = len(checked.rows), checked.manifest["key"]
    every = in_store("prune suspects", str(checked.store.path))
    value = len(rows) / max(kept, 1) if most < 1 else len(rows)
    return Outcome(
        condition="--max-suspects",
        value=value,
        limit=most,
        passed=value <= most,
        detail=f"{len(rows):,} of {counted(kept, 'kept sample')}, by {doubted.by}: {every} lists all",
        listed=[{"key": keys[row].as_py()} for row in np.asarray(rows)[:_LISTED].tolist()],
        advice=chosen_again(checked.stored, {"--drop-suspects": "auto"}),
    )
