"""The last layer's gradients of a live model, as factors: one pass over all samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from prune.core.arrays import Embeddings, Labels, Rows
from prune.core.errors import DataError, OptionError
from prune.index.gradients import errors_of
from prune.trace.batches import Unpack, numbered
from prune.trace.evaluation_pass import Head, observed

Batches: TypeAlias = Any  # a map-style dataset, an iterable of batches, or a function that returns one
_ONCE = "every sample once, in any order, with its row: DataLoader(numbered(dataset), batch_size=256)"
_BATCH = 256  # samples at a time, of a dataset that came without a loader


@dataclass(frozen=True)
class GradientFactors:
    """Gradients e [h; 1]ᵀ of samples, aligned.

    Attributes
    ----------
    rows, labels : (m,)
        Rows ascending; class ids.
    errors : (m, c)
        p − onehot(y), float32.
    features : (m, d)
        What the last layer sees, float32.
    """

    rows: Rows
    labels: Labels
    errors: Embeddings
    features: Embeddings


@dataclass(frozen=True, kw_only=True)
class PassSettings:
    """How a model is looked at: see `TraceWriter.observe`."""

    head: Head
    unpack: Unpack
    device: torch.device | None


def batches_of(source: Batches) -> Iterable[Any]:
    """Return batches of (inputs, labels, rows): of a dataset in its order, or what a function gives."""
    if _is_dataset(source):
        return DataLoader(numbered(source), batch_size=_BATCH)
    return source() if callable(source) else source


def length_of(source: Batches | None) -> int | None:
    """Return how many samples there are, if the source can tell."""
    known: Any = source if _is_dataset(source) else getattr(source, "dataset", None)
    return len(known) if hasattr(known, "__len__") else None


def _is_dataset(source: Any) -> bool:
    """Whether samples are got from it by row: PyTorch's datasets, Hugging Face's, and others like them."""
    by_row = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return by_row and not isinstance(source, list | type)


def factors(model: nn.Module, source: Batches, rows: Rows | None, how: PassSettings) -> GradientFactors:
    """Look at every sample once, in evaluation mode and without gradients; the training notices nothing.

    Parameters
    ----------
    rows : (m,)
        That the source gives, each once, ascending; None: rows count from 0, as they come.

    Raises
    ------
    DataError
        A row is missing, unknown or comes twice.
    OptionError
        The model's output does not fit, or labels are missing.
    """
    bare = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    filling = _Filling(rows)
    for samples, labels, logits, features in observed(
        bare, batches_of(source), head=how.head, unpack=how.unpack, device=how.device
    ):
        assert features is not None, "the head is known"
        filling.add(samples, labels, logits, features.float())
    return filling.done()


class _Filling:
    """Arrays that are filled batch by batch; where rows are known, at their places."""

    def __init__(self, rows: Rows | None) -> None:
        self.rows = rows
        self.parts: list[tuple[Rows, Labels, Embeddings, Embeddings]] = []
        self.whole: tuple[Labels, Embeddings, Embeddings] | None = None
        self.seen = np.zeros(0 if rows is None else len(rows), bool)

    def add(self, samples: Any, labels: Any, logits: Tensor, features: Tensor) -> None:
        if labels is None:
            raise OptionError("the source yields no labels", "batches are (inputs, labels, rows)")
        probs = logits.float().softmax(1).cpu().numpy()
        ids = np.asarray(torch.as_tensor(labels).cpu(), np.int64)
        if ids.shape != (len(probs),) or not 0 <= ids.min() <= ids.max() < probs.shape[1]:
            raise OptionError(
                f"labels of shape {ids.shape}, from {ids.min()} to {ids.max()}, are no classes of a model "
                f"with {probs.shape[1]} outputs",
                "labels are class ids from 0, one a sample",
            )
        errors, seen = errors_of(probs, ids, overwrite=True), features.cpu().numpy()
        if not (np.isfinite(errors).all() and np.isfinite(seen).all()):
            raise OptionError("the model gives numbers that are not finite", "a lower learning rate")
        if self.rows is None:
            self.parts.append((np.arange(len(ids)), ids, errors, seen))
            return
        at = self._places(samples, len(ids))
        if self.whole is None:
            m, c, d = len(self.rows), errors.shape[1], seen.shape[1]
            self.whole = np.zeros(m, np.int64), np.zeros((m, c), np.float32), np.zeros((m, d), np.float32)
        self.whole[0][at], self.whole[1][at], self.whole[2][at] = ids, errors, seen

    def _places(self, samples: Any, b: int) -> Rows:
        assert self.rows is not None
        which = np.asarray(torch.as_tensor(samples).cpu(), np.int64)
        if which.shape != (b,):
            raise DataError(f"the source yields {which.shape} rows with {b} labels", _ONCE)
        at = np.minimum(np.searchsorted(self.rows, which), len(self.rows) - 1)
        if len(strange := which[self.rows[at] != which]):
            raise DataError(f"the source yields row {strange[0]}, which is none of them", _ONCE)
        if self.seen[at].any() or len(np.unique(at)) < b:
            raise DataError("the source yields some row twice", _ONCE)
        self.seen[at] = True
        return at

    def done(self) -> GradientFactors:
        if self.rows is None:
            if not self.parts:
                raise DataError("the target has no samples", "batches are (inputs, labels, rows)")
            _, labels, errors, features = (np.concatenate(part) for part in zip(*self.parts, strict=True))
            return GradientFactors(np.arange(len(labels)), labels, errors, features)
        if self.whole is None or not self.seen.all():
            missing = self.rows[~self.seen]
            raise DataError(
                f"the source lacks {len(missing)} of {len(self.rows)} samples, the first is row {missing[0]}",
                _ONCE,
            )
        return GradientFactors(self.rows, *self.whole)
