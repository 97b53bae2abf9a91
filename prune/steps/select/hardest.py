"""The hardest samples, as a score tells: those that `drop_hardest` leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.column_name import ColumnName
from prune.core.directions import hard_end
from prune.core.errors import OptionError
from prune.core.label_doubt import doubt
from prune.core.quota import share_count
from prune.core.sample_keys import SampleKeys
from prune.selectors.top import ranked, tied_at_cut
from prune.steps.score_columns import scorer_of
from prune.steps.select.request import SelectRequest, checked_share
from prune.store import Column, Dataset


def find_hardest(
    dataset: Dataset, rows: Rows, usable: int, request: SelectRequest, column: Column
) -> tuple[Rows, dict[str, Any]]:
    """Return which of these rows to leave out, and how they were found.

    Raises
    ------
    OptionError
        The score does not say what hard is, or labels are doubted by one that never looks at them.
    """
    share = checked_share(request.drop_hardest)
    name, high = ColumnName(column.name).of, column.recipe["high"]
    if hard_end(high) is None:
        imported = column.recipe["method"] == "import" and not high
        ours, theirs = "--drop-by el2n, or aum", f"prune score --import FILE --high {name}=hard   # or =easy"
        hint = theirs if imported else ours
        raise OptionError(f"score {name} does not say which samples are hard", hint)
    scores = column.read()[rows]
    cut: dict[str, Any] = {"by": name, "of": usable}
    if share == "auto":
        doubted = doubt(scores, high, **_known(column))
        dropped = rows[doubted.mask]
        share = len(dropped) / usable
        cut |= {
            "rule": doubted.rule,
            "threshold": doubted.threshold,
            "reason": "hardest, beyond the threshold",
        }
    else:
        keys = SampleKeys(dataset.samples["key"].combine_chunks(), rows)
        hardest = ranked(-scores if high == "hard" else scores, keys, 1, request.seed)
        hardest = hardest[: share_count(share, usable)]
        cut |= {"rule": "as asked", "threshold": None, "reason": f"hardest {100 * share:g} %"}
        cut |= tied_at_cut(scores, hardest)
        dropped = np.sort(rows[hardest])
    return dropped, cut | {"share": share, "samples": len(dropped)}


def _known(column: Column) -> dict[str, Any]:
    """Return what `doubt` is to know of a score; nothing where it was computed elsewhere."""
    scorer = scorer_of(column)
    if scorer is None:
        return {}
    if not scorer.looks_at_labels:
        raise OptionError(
            f"--drop-hardest auto doubts labels, and {column.recipe['method']} never looks at them",
            "--drop-by aum, el2n, loss or confidence",
        )
    return {"loses_beyond": scorer.loses_beyond, "probability": scorer.probability}
