"""Selection for people with arrays: the selectors without a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prune.arrays import Array, Embeddings, Labels, Probs, Rows, Scores
from prune.choosing import Material, Target, Task, choose
from prune.errors import OptionError
from prune.methods import Method
from prune.selection import Selection

if TYPE_CHECKING:
    from prune.index.space import Space

Factors: TypeAlias = tuple[Embeddings, Embeddings]  # errors (t, c) and features (t, d)
_NAMES = {"space": "X (or errors and features)"}


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """What people have: all of one length n, all optional."""

    embeddings: Embeddings | None = None
    errors: Embeddings | None = None
    features: Embeddings | None = None
    probs: Probs | None = None
    scores: Scores | None = None
    labels: Labels | None = None
    target: Embeddings | Factors | None = None  # (t, d), or factors where errors and features are given
    target_labels: Labels | None = None
    target_weights: npt.ArrayLike | None = None

    @property
    def n(self) -> int:
        """Number of rows.

        Raises
        ------
        ValueError
            The arrays differ in length, or there is none; a space is given twice or half.
        """
        arrays = {
            "X": self.embeddings,
            "errors": self.errors,
            "features": self.features,
            "probs": self.probs,
            "scores": self.scores,
            "labels": self.labels,
        }
        lengths = {name: len(array) for name, array in arrays.items() if array is not None}
        if not lengths or len(set(lengths.values())) > 1:
            raise ValueError(f"select_rows wants arrays of one length, not {lengths or 'none'}")
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


def rows_of_arrays(arrays: Arrays, method: Method, *, device: str, memory: int, **asked: Any) -> Selection:
    """Run a selector on arrays; `asked` holds k, quota, seed, given, reweight and options, as `Task` has."""
    n = arrays.n
    labels = np.full(n, -1, np.int64) if arrays.labels is None else np.asarray(arrays.labels)
    given = np.unique(np.asarray(asked.pop("given"), np.int64))
    if len(given) and not 0 <= given[0] <= given[-1] < n:
        raise OptionError(f"given rows span [{given[0]}, {given[-1]}], but there are {n} rows")
    rows, k = np.setdiff1d(np.arange(n), given), asked["k"]
    if k is None and not method.sizes:
        raise OptionError(f"{method.name} does not decide how many to keep; give k")
    if k is not None and not 1 <= k <= len(rows):
        raise OptionError(f"k must be from 1 to {len(rows)}, the number of rows, not {k}")
    _require_needs(arrays, method)
    material = _material(arrays, labels, device, memory)
    return choose(Task(method=method, rows=rows, given=given, **asked), material)


def _require_needs(arrays: Arrays, method: Method) -> None:
    there = {
        "space": arrays.has_space,
        "scores": arrays.scores is not None,
        "probs": arrays.probs is not None,
        "keys": True,
    }
    for need in method.needs:
        if not there[need]:
            raise ValueError(f"{method.name} needs {need}; {_NAMES.get(need, need)} was not given")
    if arrays.target is not None and not method.takes("target"):
        raise OptionError(f"{method.name} matches no target")


def _material(arrays: Arrays, labels: Labels, device: str, memory: int) -> Material:
    embeddings, errors, features = (_floats(a) for a in (arrays.embeddings, arrays.errors, arrays.features))

    def space(rows: Rows) -> Space:
        which = None if np.array_equal(rows, np.arange(len(labels))) else rows
        return _space(embeddings, errors, features, which, device, memory)

    scores = None if arrays.scores is None else np.asarray(arrays.scores, np.float32)
    return Material(
        labels=labels,
        keys=lambda rows: [str(row) for row in rows],
        space=space if arrays.has_space else None,
        scores=scores,
        probs=_floats(arrays.probs),
        target=_target(arrays, device, memory),
    )


def _target(arrays: Arrays, device: str, memory: int) -> Target | None:
    if arrays.target is None:
        return None
    if arrays.errors is None:
        space = _space(_floats(np.asarray(arrays.target)), None, None, None, device, memory)
    else:
        if not isinstance(arrays.target, tuple) or len(arrays.target) != 2:
            raise ValueError("the target of gradients is a pair: errors (t, c), features (t, d)")
        errors, features = arrays.target
        space = _space(None, _floats(errors), _floats(features), None, device, memory)
    weights = None if arrays.target_weights is None else np.asarray(arrays.target_weights, np.float64)
    labels = None if arrays.target_labels is None else np.asarray(arrays.target_labels)
    for name, values in (("target_weights", weights), ("target_labels", labels)):
        if values is not None and values.shape != (space.n,):
            raise ValueError(f"{name} have shape {values.shape}, but the target has {space.n} samples")
    return Target(space, labels, weights)


def _space(
    embeddings: Array | None,
    errors: Array | None,
    features: Array | None,
    rows: Rows | None,
    device: str,
    memory: int,
) -> Space:
    from prune.index.gradients import GradientSpace
    from prune.index.space import EmbeddingSpace

    settled: Mapping[str, Any] = {"rows": rows, "device": device, "memory": memory}
    if embeddings is not None:
        return EmbeddingSpace(embeddings, **settled)
    assert errors is not None
    assert features is not None
    return GradientSpace(errors, features, **settled)


def _floats(values: npt.ArrayLike | None) -> Any:
    if values is None:
        return None
    values = np.asarray(values)
    return values if values.dtype in (np.float16, np.float32) else values.astype(np.float32)
