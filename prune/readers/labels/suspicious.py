"""Labels that hardly tell samples apart: one class for all, or nearly one for each. A word says so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from prune.core.safe_text import printable

_SEVERAL = 10  # samples, from which on as many classes mean something
_SHARE = 0.5  # of the samples


def suspicion(ids: pa.ChunkedArray, classes: Sequence[str]) -> str | None:
    """Say what is odd about the class ids of all samples; None where nothing is."""
    known = ids.drop_null().to_numpy()
    used = np.unique(known)
    without = "--no-labels reads the samples without them"
    if len(used) == 1 and len(known) > 1:
        return f"all labels are {printable(classes[int(used[0])])!r}: {without}"
    if len(known) >= _SEVERAL and len(used) > _SHARE * len(known):
        return f"{len(used):,} classes for {len(known):,} samples, so most classes have one: {without}"
    return None
