"""Selection for people with arrays: the selectors without a store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.arrays import Array, Embeddings, Labels, Rows, Scores
from prune.errors import OptionError
from prune.index.space import EmbeddingSpace
from prune.methods import Method
from prune.quota import Quota, select_under_quota
from prune.selection import Selection


def rows_of_arrays(
    method: Method,
    embeddings: Embeddings | None,
    scores: Scores | None,
    labels: Labels | None,
    *,
    quota: Quota,
    supplied: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Selection:
    """Run a selector on arrays; `supplied` holds k and seed."""
    arrays = {"X": embeddings, "scores": scores, "labels": labels}
    lengths = {name: len(array) for name, array in arrays.items() if array is not None}
    if not lengths or len(set(lengths.values())) > 1:
        raise ValueError(f"select_rows wants arrays of one length, not {lengths or 'none'}")
    if labels is not None and np.asarray(labels).dtype.kind not in "iu":
        raise ValueError(f"labels are {np.asarray(labels).dtype}, not whole numbers")
    n, k = next(iter(lengths.values())), supplied["k"]
    if not 1 <= k <= n:
        raise OptionError(f"k must be from 1 to {n}, the number of rows, not {k}")

    def run(rows: Rows, count: int) -> Selection:
        given = {"space": embeddings, "scores": scores, "keys": rows}
        arguments: list[Any] = []
        for need in method.needs:
            values = given[need]
            if values is None:
                raise ValueError(
                    f"{method.name} needs {need}; {'X' if need == 'space' else need} was not given"
                )
            arguments.append(_argument(need, values, rows))
        keywords = {"seed": supplied["seed"]} if "seed" in method.supplied else {}
        return method.function(*arguments, k=count, **keywords, **options)

    every = np.arange(n)
    return select_under_quota(run, np.full(n, -1) if labels is None else np.asarray(labels), every, k, quota)


def _as_floats(values: Array) -> Embeddings:
    values = np.asarray(values)
    return values if values.dtype in (np.float16, np.float32) else values.astype(np.float32)


def _argument(need: str, values: Array, rows: Rows) -> Any:
    if need == "keys":
        return [str(row) for row in rows]
    if need == "space":
        return EmbeddingSpace(_as_floats(values)[rows], device="cpu")
    return np.asarray(values, np.float32)[rows]
