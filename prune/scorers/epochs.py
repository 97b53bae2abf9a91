"""Which epoch of a trace a score looks at: epochs are numbered from 1, as users count them."""

from __future__ import annotations

import numpy as np

from prune.arrays import Array, Trajectory
from prune.errors import OptionError


def at_epoch(trajectory: Trajectory, epoch: int | None, default: int | None = None) -> Array:
    """Return the (n,) numbers of one epoch as float64: `epoch`, else `default`, else the last.

    Raises
    ------
    OptionError
        `epoch` is not in 1 … t.
    """
    t = len(trajectory)
    number = next((e for e in (epoch, default) if e is not None), t)
    if not 1 <= number <= t:
        hint = f"train longer: --epochs {number}" if number > t else "the first epoch is epoch=1"
        raise OptionError(f"the trace has epochs 1 to {t}, not {number}", hint)
    return np.asarray(trajectory[number - 1], np.float64)
