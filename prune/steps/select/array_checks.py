"""Arrays as people have them: of one length, of numbers, and of the shape that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Embeddings, Labels, Probs, Scores

Factors: TypeAlias = tuple[Embeddings, Embeddings]  # errors (t, c) and features (t, d)


@dataclass(frozen=True, kw_only=True)
class GivenArrays:
    """What people have: all of one length n, all optional."""

    embeddings: Embeddings | None = None
    texts: Sequence[str] | None = None
    errors: Embeddings | None = None
    features: Embeddings | None = None
    probs: Probs | None = None
    scores: Scores | None = None
    easiness: Scores | None = None
    labels: Labels | None = None
    target: Embeddings | Factors | Sequence[str] | None = (
        None  # (t, d); factors, or texts, where these are given
    )
    target_labels: Labels | None = None
    target_weights: npt.ArrayLike | None = None

    @property
    def n(self) -> int:
        """Number of rows.

        Raises
        ------
        ValueError
            The arrays differ in length, or there is none; a space is given twice or half; what has one number
            a sample has another shape.
        """
        arrays = {
            "X": self.embeddings,
            "texts": self.texts,
            "errors": self.errors,
            "features": self.features,
            "probs": self.probs,
            "scores": self.scores,
            "easiness": self.easiness,
            "labels": self.labels,
        }
        lengths = {name: len(array) for name, array in arrays.items() if array is not None}
        if not lengths or len(set(lengths.values())) > 1:
            raise ValueError(f"select_rows wants arrays of one length, not {lengths or 'none'}")
        for name in ("scores", "easiness", "labels"):
            shape = np.asarray(arrays[name]).shape if name in lengths else (0,)
            if len(shape) != 1:
                raise ValueError(f"{name} have the shape {shape}, not (n,)")
        if (self.errors is None) != (self.features is None):
            raise ValueError("gradients are given as errors=(n, c) and features=(n, d), both")
        if self.errors is not None and self.embeddings is not None:
            raise ValueError("X and errors with features are two spaces; give one")
        if self.labels is not None and np.asarray(self.labels).dtype.kind not in "iu":
            raise ValueError(f"labels are {np.asarray(self.labels).dtype}, not whole numbers")
        return next(iter(lengths.values()))

    @property
    def has_space(self) -> bool:
        """Whether samples can be compared."""
        return self.embeddings is not None or self.errors is not None


def floats(values: npt.ArrayLike | None, name: str) -> Any:
    """Return numbers as float16 or float32, row by row in memory; None stays.

    Raises
    ------
    ValueError
        They are no numbers.
    """
    if values is None:
        return None
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} is {values.dtype}, not numbers")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused as that
        kept = values if values.dtype in (np.float16, np.float32) else values.astype(np.float32)
    return np.ascontiguousarray(kept)  # once, not in every group
