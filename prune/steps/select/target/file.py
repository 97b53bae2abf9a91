"""A target as numbers in a file: features in the space of the pool, factors of gradients, weights."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prune.core.arrays import Array, Embeddings, Labels
from prune.core.errors import DataError, OptionError
from prune.core.safe_text import one_line
from prune.steps.select.by_class import SelectionTarget
from prune.steps.select.target.pool import TargetPool
from prune.steps.space_columns import GRADIENTS
from prune.system import contents
from prune.system.npy import UNREADABLE, open_npy

_BLOCK = 8192  # rows looked at together
_UNREADABLE = (*UNREADABLE, RuntimeError, zipfile.BadZipFile, zlib.error)  # of an archive
_FACTORS = "gradients are two arrays: numpy.savez('target.npz', errors=probs - onehot, features=features)"


def holds_numbers(source: str) -> bool:
    """Say whether this is a file that is taken as it is: a .npz, or a .npy that holds no images."""
    if Path(source).suffix not in {".npz", ".npy"}:
        return False
    path = contents.file_at(source)
    if path.suffix == ".npz":
        return path.is_file()
    return path.suffix == ".npy" and path.is_file() and _load(path)["features"].ndim <= 2


def target_of_file(path: Path, pool: TargetPool, *, device: str, memory: int) -> SelectionTarget:
    """Return the samples of a .npy matrix (t, d), or of the arrays errors, features and labels of a .npz.

    Labels are class ids of the pool or names of its classes, and may be left out.

    Raises
    ------
    DataError
        The file cannot be read, or does not hold finite numbers in matrices of equally many rows.
    OptionError
        An array is missing, or has another width than the column of the pool.
    """
    arrays = _load(path)
    wanted = ["errors", "features"] if pool.space == GRADIENTS else ["features"]
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise OptionError(f"{path} has no array {missing[0]!r}", _FACTORS if len(wanted) == 2 else "")
    values = [_matrix(path, name, arrays[name]) for name in wanted]
    for matrix, column in zip(values, pool.columns, strict=True):
        _require_width(path, matrix, column.name, column.shape[1])
    if len({len(matrix) for matrix in values}) > 1:
        raise DataError(f"{path} has {len(values[0])} errors, but {len(values[1])} features", _FACTORS)
    labels = _ids(path, arrays.get("labels"), len(values[0]), pool.dataset.classes)
    if pool.space == GRADIENTS:
        from prune.index.gradients import GradientSpace

        return SelectionTarget(GradientSpace(values[0], values[1], device=device, memory=memory), labels)
    from prune.index.space import EmbeddingSpace

    return SelectionTarget(EmbeddingSpace(values[0], device=device, memory=memory), labels)


def weights_of(path: Path, count: int) -> Array:
    """Return the weights of a .npy file, float64 (t,).

    Raises
    ------
    OptionError
        There is no such file, or it does not have one weight a sample.
    DataError
        It cannot be read, or a weight is not a number of at least 0.
    """
    if not path.is_file():
        raise OptionError(f"there is no file {path}", "--target-weights takes a .npy, one number a sample")
    loaded = _load(path).get("features", np.empty(0))
    if loaded.shape != (count,):
        raise OptionError(
            f"{path} has the shape {loaded.shape}, but the target has {count} samples",
            "one weight for each sample of the target, in its order",
        )
    if loaded.dtype.kind not in "iufb":
        raise DataError(f"{path} holds {loaded.dtype}, not numbers")
    weights = np.array(loaded, np.float64)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        first = f"row {bad[0]} is {weights[bad[0]]:g}"
        raise DataError(f"{len(bad)} of {count} weights in {path} are negative or not finite: {first}")
    return weights


def _load(path: Path) -> dict[str, Array]:
    """Read a file of one array, called features, or of several."""
    if path.suffix != ".npz":
        return {"features": np.asarray(open_npy(path))}
    try:
        with warnings.catch_warnings(), np.load(path, allow_pickle=False) as loaded:
            warnings.simplefilter("ignore")  # a file must not write to the terminal
            return {name: loaded[name] for name in ("errors", "features", "labels") if name in loaded}
    except _UNREADABLE as error:
        raise DataError(
            f"{path} cannot be read as {path.suffix}: {one_line(error)}",
            "write it with numpy.save or numpy.savez, without objects",
        ) from error


def _matrix(path: Path, name: str, values: Array) -> Embeddings:
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "iuf":
        what = f"{name} of {path} are {values.dtype} of shape {values.shape}"
        raise DataError(what, "want a matrix of numbers, one row a sample")
    if values.dtype not in (np.float16, np.float32):
        with np.errstate(over="ignore"):  # what overflows is infinite, and named as such
            values = values.astype(np.float32)
    bad = 0
    for start in range(0, len(values), _BLOCK):
        bad += int((~np.isfinite(values[start : start + _BLOCK]).all(axis=1)).sum())
    if bad:
        raise DataError(
            f"{bad} of {len(values)} rows of the {name} in {path} are not finite",
            "leave these samples out, or compute them again",
        )
    return values


def _require_width(path: Path, values: Embeddings, column: str, width: int) -> None:
    if values.shape[1] != width:
        raise OptionError(
            f"{path} has rows of {values.shape[1]} numbers, {column} of {width}",
            "compute the target's numbers as those of the column were, or choose another column with --on",
        )


def _ids(path: Path, labels: Array | None, count: int, classes: Sequence[str]) -> Labels | None:
    if labels is None:
        return None
    if labels.shape != (count,) or labels.dtype.kind not in "iuU":
        raise DataError(
            f"labels of {path} are {labels.dtype} of shape {labels.shape}, but there are {count} samples",
            "one class id, or the name of a class, a sample",
        )
    if labels.dtype.kind == "U":
        places = {name: place for place, name in reversed(list(enumerate(classes)))}
        return np.array([places.get(name, -1) for name in labels.tolist()], np.int64)
    if not -1 <= int(labels.min()) <= int(labels.max()) < len(classes):
        span = f"[{labels.min()}, {labels.max()}]"
        raise DataError(
            f"labels of {path} span {span}, but there are {len(classes)} classes", "-1 stands for no label"
        )
    return labels.astype(np.int64)
