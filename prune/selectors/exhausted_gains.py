"""Where the gains of a method run out: the rest of the budget is drawn by lot, not filled by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from prune.core.arrays import Gains, Rows
from prune.core.lots import lots
from prune.core.selection import Selection

_NOTHING = 1e-9  # of the largest gain: what rounding leaves of a gain of zero


def still_gaining(gains: Gains) -> int:
    """Return how many of the first samples taken there are before all that follow add nothing.

    Parameters
    ----------
    gains : (k,)
        Of a function that never falls, taken greedily.
    """
    values = np.asarray(gains, np.float64)
    finite = values[np.isfinite(values)]
    least = _NOTHING * float(np.abs(finite).max(initial=0.0))
    left = np.flatnonzero(~(values <= least))
    return int(left[-1]) + 1 if len(left) else 0


def drawn_rest(chosen: Selection, free: Rows, keys: Callable[[Rows], Sequence[str]], seed: int) -> Selection:
    """Replace the last samples, those that add nothing, by others drawn by the hash of seed and key.

    Rows in the order of a dataset lie class by class, so that by row the first classes would be kept whole
    and the last lost. What is drawn adds nothing either, and a smaller budget is still a prefix.

    Parameters
    ----------
    chosen
        Taken greedily; gains are those of a function that never falls.
    free : (m,)
        All that could have been taken, ascending.
    keys
        Stable names of the samples at some rows.

    Returns
    -------
    The same with the last rows replaced. Facts: `filled`, how many were.
    """
    head = still_gaining(chosen.gains)
    filled = len(chosen) - head
    rows = chosen.rows
    if filled:
        rest = np.setdiff1d(free, rows[:head])
        rows = np.concatenate(
            [rows[:head], rest[np.argsort(lots(keys(rest), str(seed)), kind="stable")[:filled]]]
        )
    return replace(chosen, rows=rows, facts={**chosen.facts, "filled": filled})
