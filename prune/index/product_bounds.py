"""How far a float32 product can be from the truth, and what follows for who may be nearer."""

from __future__ import annotations

import numpy as np

from prune.system.compilation import compiled

UNIT = 2.0**-24  # half the distance from 1 to the next float32
TINY = 2.0**-100  # more than any product loses below float32's smallest number


@compiled
def slack(norm: float, reach: float, d: int) -> float:
    """How far ``½‖c‖² − y·c`` in float32 can be from the truth, whatever the order of the sum.

    A dot product of d terms is off by at most ``d·u/(1 − d·u)·‖y‖‖c‖`` (Higham 2002, section 3.1); halving,
    subtracting and moving into the frame of the products round a few times more.
    """
    return UNIT * ((d + 8.0) / (1.0 - (d + 8.0) * UNIT) * norm * reach + 8.0 * (norm + reach) ** 2) + TINY


@compiled
def limit_of(now: float, norm: float, scale: float, error: float) -> np.float32:
    """Return what ``½‖c‖² − y·c`` in float32 is below for every c that is nearer to y than it has one `now`.

    `now` is a squared distance, `norm` that of y in the frame of the products, `error` what `slack` says.
    """
    return np.float32(0.5 * (now * scale - norm) + error)
