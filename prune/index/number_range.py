"""What embeddings have to be for there to be distances: finite, and with products that float32 holds."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Embeddings, Rows
from prune.core.errors import DataError
from prune.system.rows_on_disk import RowsOnDisk

_ROWS = 4096  # looked at together
MOST = 1e15  # of a norm: products, and sums of many of them, stay within float32


def refuse_what_is_not_finite(
    values: Embeddings | RowsOnDisk, rows: Rows | None, what: str = "embeddings"
) -> None:
    """Raise `DataError` with the first rows of `values` that hold NaN or infinity."""
    n = len(values if rows is None else rows)  # rows are named as rows of `values`
    bad: list[int] = []
    for start in range(0, n, _ROWS):
        span = slice(start, start + _ROWS)
        finite = np.isfinite(values[span] if rows is None else values[rows[span]]).all(axis=1)
        at = np.flatnonzero(~finite) + start
        bad.extend((at if rows is None else rows[at]).tolist())
    if bad:
        shown = ", ".join(map(str, bad[:5])) + (", …" if len(bad) > 5 else "")
        rows_ = "row" if len(bad) == 1 else "rows"
        raise DataError(
            f"{len(bad)} of {n} {what} are not finite ({rows_} {shown})",
            "leave these samples out, or embed them again",
        )


def require_products(squares: Array, what: str = "embeddings") -> None:
    """Raise `DataError` if the products of samples of these squared norms may leave float32."""
    if count := int((squares > MOST**2).sum()):
        raise DataError(
            f"{count} of {len(squares)} {what} are longer than {MOST:g}: no float32 holds their products",
            "divide all of them by a constant, and embed again",
        )
