"""The samples of a training: which dataset it is about, and which of its rows a batch means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from prune.core.arrays import Array, Rows
from prune.core.errors import DataError, OptionError, StoreError
from prune.readers.keys import keys_table, tells_other, write_keys
from prune.readers.sample import key_problem
from prune.steps.dataset_session import opened
from prune.steps.settings import Settings
from prune.store import Dataset, Store
from prune.store.join import count
from prune.store.layout import KEYS

_MOST_CLASSES = 100_000  # unless there are more samples: ids beyond are no count from 0


def known_dataset(
    store: Store, data: str | None, keys: Sequence[str] | None, labels: Any, classes: Sequence[str] | None
) -> Dataset:
    """Return the dataset of a store; scan `data` first, or write `keys` and `labels` down as a dataset.

    Raises
    ------
    StoreError
        The store knows no dataset, or another one.
    DataError, OptionError
        The dataset cannot be read; keys stand twice; there are not as many labels.
    """
    if keys is None and labels is None:
        if data is None and not store.exists():
            raise StoreError(
                f"there is no store at {store.path}",
                "TraceWriter(…, data='DATA') reads the dataset first; or give keys=[…], labels=[…]",
            )
        return store.dataset if data is None else _scanned(store, data, Settings(wait=True))
    if data is not None:
        raise OptionError(
            "TraceWriter was given data, and keys or labels", "give data alone: it has keys and labels"
        )
    if store.exists() and store.state.get("dataset") and store.dataset.format != "keys":
        raise StoreError(
            f"{store.path} holds a dataset that was read from files, so it has keys and labels",
            "leave keys and labels out, or use another store",
        )
    texts, names = _texts(labels, classes)
    keys = [str(row) for row in range(len(texts))] if keys is None else list(keys)
    _check_keys(keys, len(texts) if labels is not None else len(keys))
    path = store.path / KEYS
    with store.writing(wait=True):
        listed = keys_table(keys, texts or [None] * len(keys), names)
        if store.exists() and store.state.get("dataset") and tells_other(path, listed):
            raise StoreError(
                f"{store.path} holds another dataset: its keys, labels or classes differ from those given",
                "use another store",
            )
        write_keys(path, listed)
    dataset = _scanned(store, str(path), Settings(wait=True, reading={"as_": "keys"}))
    if dataset.rejects:
        row, reason = next(iter(dataset.rejects.items()))
        raise DataError(f"{len(dataset.rejects)} keys cannot be used: {keys[row]!r}: {reason}")
    return dataset


class Lookup:
    """From the keys or rows of a batch to rows, and from a model's labels to those of the dataset.

    Parameters
    ----------
    classes
        Names of the model's outputs, in their order; default: the dataset's.
    """

    def __init__(self, dataset: Dataset, classes: Sequence[str] | None) -> None:
        self.dataset = dataset
        self.labels = dataset.labels.astype(np.int64)
        self._held_out = np.zeros(len(dataset), bool)
        self._held_out[dataset.held_out] = True
        self._keys = pa.chunked_array(dataset.samples["key"]).combine_chunks()
        self.order: Tensor | None = None  # place in the model's output of each class of the dataset
        self._class_of: Array | None = None  # class of the dataset of each output
        if classes is not None and list(classes) != dataset.classes:
            names = [str(name) for name in classes]
            if sorted(names) != sorted(dataset.classes):
                other = sorted(set(names) ^ set(dataset.classes))
                raise OptionError(
                    f"classes names {len(names)} outputs, the dataset has {len(dataset.classes)} classes; "
                    f"they differ in {count('name', other)}",
                    "name the classes of the dataset, in the order of your model's outputs",
                )
            self.order = torch.tensor([names.index(name) for name in dataset.classes])
            self._class_of = np.array([dataset.classes.index(name) for name in names])

    def rows(self, samples: Any) -> Rows:
        """Return the rows of keys (text) or of rows (whole numbers).

        Raises
        ------
        DataError
            The dataset has no such key or row, or they are held out.
        OptionError
            They are neither.
        """
        rows = self._named(samples)
        held_out = rows[self._held_out[rows]]
        if len(held_out):
            keys = self.dataset.samples["key"].take(pa.array(held_out))
            raise DataError(
                f"{count('sample', keys)} are held out, to be tested on",
                "leave them out of your training: the rows Store(…).dataset.held_out",
            )
        return rows

    def _named(self, samples: Any) -> Rows:
        if isinstance(samples, Tensor):
            samples = samples.detach().cpu().numpy()
        values = np.asarray(samples)
        if values.ndim == 1 and values.dtype.kind in "iu":
            rows = values.astype(np.int64)
            beyond = rows[(rows < 0) | (rows >= len(self.dataset))]
            if len(beyond):
                raise DataError(
                    f"there are {len(self.dataset)} samples, so no {count('row', beyond.tolist())}",
                    "whole numbers are rows, from 0; keys are text: str(key)",
                )
            return rows
        if values.ndim == 1 and values.dtype.kind in "UO" and all(isinstance(v, str) for v in values):
            return self._of_keys([str(v) for v in values])
        raise OptionError(f"samples are named by keys or rows, not by {values.dtype} of shape {values.shape}")

    def check_labels(self, rows: Rows, labels: Any) -> None:
        """Raise DataError where labels are not those of the dataset; a label below 0 is none."""
        if isinstance(labels, Tensor):
            labels = labels.detach().cpu().numpy()
        values = np.asarray(labels)
        if values.shape != rows.shape or values.dtype.kind not in "iub":
            raise OptionError(
                f"labels are {values.dtype} of shape {values.shape}, but want {len(rows)} class ids"
            )
        given = np.maximum(values.astype(np.int64), -1)
        if self._class_of is not None:
            known = np.append(self._class_of, -1)
            given = known[np.where(given < len(self._class_of), given, -1)]
        wrong = np.flatnonzero(given != self.labels[rows])
        if len(wrong):
            key = self.dataset.samples["key"][int(rows[wrong[0]])].as_py()
            ours, yours = self.labels[rows[wrong[0]]], values[wrong[0]]
            raise DataError(
                f"{len(wrong)} of {len(rows)} labels differ from those of the dataset: of {key!r} it has "
                f"{ours}, not {yours}",
                "name your classes in the order of your model's outputs: TraceWriter(…, classes=[…]); "
                "and look whether keys or rows are those of the dataset",
            )

    def ordered(self, logits: Tensor) -> Tensor:
        """Return logits in the order of the dataset's classes."""
        if self.order is None or logits.ndim != 2 or logits.shape[1] != len(self.order):
            return logits
        return logits[:, self.order.to(logits.device)]

    def _of_keys(self, keys: list[str]) -> Rows:
        rows = pc.index_in(pa.array(keys, pa.string()), value_set=self._keys)
        if rows.null_count:
            unknown = [key for key, row in zip(keys, rows.to_pylist(), strict=True) if row is None]
            first = self._keys[0].as_py()
            raise DataError(
                f"the dataset has no {count('key', unknown)}", f"its keys look like this: {first!r}"
            )
        return rows.to_numpy(zero_copy_only=False).astype(np.int64)


def _scanned(store: Store, data: str, settings: Settings) -> Dataset:
    with opened(store, data, settings) as ready:
        store.publish(dataset=ready.fingerprint)
        return ready.dataset


def _texts(labels: Any, classes: Sequence[str] | None) -> tuple[list[str | None], list[str]]:
    """Return label texts, and the names of all classes in the order of their ids."""
    if labels is None:
        return [], [str(name) for name in classes or ()]
    values = labels.detach().cpu().tolist() if isinstance(labels, Tensor) else np.asarray(labels).tolist()
    ids = _ids(values)
    if ids is not None:
        names = _names(ids, classes)
        return [names[v] if v >= 0 else None for v in ids], names
    texts = [None if v is None or v == "" else str(v) for v in values]
    present: Iterable[str] = sorted({text for text in texts if text is not None})
    names = [str(name) for name in (present if classes is None else classes)]
    foreign = sorted(set(present) - set(names))
    if foreign:
        raise OptionError(f"{count('label', foreign)} is not one of the classes: {', '.join(names[:12])}")
    return texts, names


def _ids(values: Sequence[Any]) -> list[int] | None:
    """Return class ids, −1 for None and NaN; None where some label is no whole number."""
    given = [-1 if v is None or v != v else v for v in values]
    if not all(isinstance(v, int) or (isinstance(v, float) and v.is_integer()) for v in given):
        return None
    return [int(v) for v in given]


def _names(ids: Sequence[int], classes: Sequence[str] | None) -> list[str]:
    """Return the names of all classes: those given, or the ids up to the greatest."""
    greatest = max(ids, default=-1)
    if classes is None and greatest >= max(_MOST_CLASSES, len(ids)):
        raise OptionError(
            f"label {greatest} of {len(ids)} samples would be one of {greatest + 1} classes",
            "give classes=[…], or class ids from 0",
        )
    names = [str(name) for name in (range(greatest + 1) if classes is None else classes)]
    if greatest >= len(names):
        raise OptionError(f"label {greatest} has no name among {len(names)} classes")
    return names


def _check_keys(keys: Sequence[Any], labels: int) -> None:
    if not keys:
        raise DataError("TraceWriter was given no keys and no labels", "keys=[…], labels=[…]: one a sample")
    if not all(isinstance(key, str) for key in keys):
        raise OptionError("keys are text", "keys=[str(key) for key in keys]; whole numbers are rows")
    if len(keys) != labels:
        raise DataError(f"there are {len(keys)} keys, but {labels} labels", "give one of each a sample")
    counts = pc.value_counts(pa.array(keys))
    often = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(often):
        raise DataError(f"{count('key', often)} stand more than once", "give every sample a key of its own")
    for key in keys:
        if problem := key_problem(key):
            raise DataError(f"{key!r} cannot be a key: {problem}")
