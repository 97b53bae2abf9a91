"""Plain arrays: a `.npy` matrix of features, or a `.npy` stack of images, with labels in another beside it.

The key of a sample is its row number. A matrix (n, d) holds features. Images are (n, h, w) or
(n, h, w, channels) with 1, 3 or 4 channels; (n, channels, h, w) where the last axis cannot be channels.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array
from prune.core.content import content_digest
from prune.core.errors import DataError, OptionError
from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, ReaderBase, Unit, refuse_unnameable, with_sources
from prune.system import files
from prune.system.npy import open_npy

_UNIT = 65_536  # rows
_BLOCK = 1024  # rows looked at together
_CHANNELS = (1, 3, 4)


def looks_like(path: Path) -> bool:
    """Say whether this is a `.npy` file."""
    return path.is_file() and path.suffix == ".npy"


def open_arrays(data: str, *, labels: str | None = None, no_labels: bool = False) -> Arrays:
    """Open a `.npy` file.

    Parameters
    ----------
    data
        The file: numbers, two to four axes.
    labels
        A `.npy` file of n whole numbers or texts, (n,) or (n, 1). If not given: `X_labels.npy` beside
        `X.npy`, `labels.npy` or `y.npy`, the first that exists; else there are no labels.
    no_labels
        Whether labels beside the file are left alone.

    Raises
    ------
    DataError
        A file is missing, cut short, holds Python objects, or has another shape.
    """
    path = Path(data)
    if not path.is_file():
        raise DataError(f"{data} is not a file", "name one .npy file")
    beside = path.parent
    refuse_unnameable(beside, [path.name])
    if labels is None and not no_labels:
        usual = (f"{path.stem}_labels.npy", "labels.npy", "y.npy")
        labels = next((name for name in usual if name != path.name and (beside / name).is_file()), None)
    elif labels is not None:
        labels = _relative(Path(labels), beside)
    reader = Arrays(beside, path.name, labels)
    reader.check()
    return reader


@dataclass(frozen=True)
class Arrays(ReaderBase):
    """One `.npy` file, mapped into memory; a sample is a row."""

    root: Path
    name: str
    labels: str | None = None
    label_file: LabelFile | None = None
    split: str | None = field(default=None, init=False)
    format: str = field(default="arrays", init=False)
    modality: str = field(default="image", init=False)

    @property
    def options(self) -> Mapping[str, Any]:
        """Where the labels are, as seen from the data: both can move together."""
        return {"labels": self.labels}

    @property
    def places(self) -> Sequence[Path]:
        """The file, and that of the labels."""
        return [self.root / name for name in filter(None, [self.name, self.labels])]

    @property
    def layout(self) -> str:
        """Type and shape of a row: the same bytes are another image in another shape."""
        return f"{self._values.dtype.str} {self._values.shape[1:]}"

    @property
    def holds_features(self) -> bool:
        """Whether the rows are features."""
        return bool(self._values.ndim == 2)

    def check(self) -> None:
        """Raise `DataError` unless the rows are features or images and every row has a label, or none has."""
        shape = self._values.shape
        if self._values.dtype.kind not in "buif" or not 2 <= len(shape) <= 4 or 0 in shape:
            what = f"{self.root / self.name} has the shape {shape} and the type {self._values.dtype}"
            raise DataError(what, "want numbers: (n, d) features, (n, h, w) or (n, h, w, 3) images")
        if len(shape) == 4 and not (shape[3] in _CHANNELS or shape[1] in _CHANNELS):
            what = f"{self.root / self.name} has the shape {shape}"
            raise DataError(what, "images have 1, 3 or 4 channels, last or first")
        if self._labels is None:
            return
        self._refuse_fractions()
        found = self._labels.shape
        if found != shape[:1] or self._labels.dtype.kind not in "iubUf":
            what = f"{self.root / str(self.labels)} has the shape {found} and the type {self._labels.dtype}"
            hint = "--no-labels   # or --labels FILE, with one whole number or text a sample"
            raise DataError(f"{what}, but there are {shape[0]} samples", hint)

    def _refuse_fractions(self) -> None:
        """Raise `DataError` where labels are floats and not whole: they are no classes."""
        labels = self._labels
        if labels is None or labels.dtype.kind != "f":
            return
        for start in range(0, len(labels), _UNIT):
            block = np.asarray(labels[start : start + _UNIT]).ravel()
            odd = block[~np.isnan(block) & (block != np.trunc(block))]
            if len(odd) or np.isinf(block).any():
                first = odd[0] if len(odd) else np.inf
                what = f"{self.root / str(self.labels)} holds {first:g}, which is no class"
                raise DataError(what, "want whole numbers or texts; NaN or -1 for a sample without a label")

    def units(self) -> Iterator[Unit]:
        """Yield 65,536 rows at a time."""
        names = (self.name, *filter(None, [self.labels]))
        for start in range(0, len(self._values), _UNIT):
            yield Unit(str(start), names)

    def scan(self, unit: Unit) -> pa.Table:
        """Digest every row; a row with NaN or infinities is rejected.

        Raises
        ------
        DataError
            A file is damaged or gone.
        """
        start = int(unit.name)
        stop = min(start + _UNIT, len(self._values))
        n = stop - start
        values = {
            "key": [str(row) for row in range(start, stop)],
            "shard": [self.name] * n,
            "index": range(start, stop),
            "label": [None] * n if self._labels is None else _texts(self._labels[start:stop]),
            "digest": [content_digest(row.tobytes()) for row in self._values[start:stop]],
            "reason": [
                reason for block in range(start, stop, _BLOCK) for reason in self._reasons(block, stop)
            ],
        }
        arrays = [pa.array(values.get(kind.name, [None] * n), kind.type) for kind in RAW]
        depths = Counter(self._bits(row) for row in range(start, stop)) if self._is_deep else None
        return with_sources(pa.Table.from_arrays(arrays, schema=RAW), self._sources, depths=depths)

    def payloads(self, samples: pa.Table) -> Iterator[Array]:
        """Yield the (h, w) or (h, w, channels) pixels of each row.

        Raises
        ------
        DataError
            The rows are features.
        """
        values = self._values
        if values.ndim == 2:
            raise DataError(
                f"{self.root / self.name} is a matrix of features, not of images",
                f"prune embed --encoder precomputed --features {self.root / self.name}",
            )
        first = values.ndim == 4 and values.shape[3] not in _CHANNELS
        for row in samples["index"].to_numpy().tolist():
            yield np.moveaxis(values[row], 0, 2) if first else np.asarray(values[row])

    @property
    def _is_deep(self) -> bool:
        """Whether the rows are pictures of 16 bits."""
        return self._values.ndim > 2 and self._values.dtype.kind == "u" and self._values.dtype.itemsize == 2

    def _bits(self, row: int) -> int:
        return int(self._values[row].max()).bit_length()

    @cached_property
    def _values(self) -> Array:
        return open_npy(self.root / self.name)

    @cached_property
    def _labels(self) -> Array | None:
        """The labels as one axis: a column of them, (n, 1), is one too."""
        if self.labels is None:
            return None
        labels = open_npy(self.root / self.labels)
        return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels

    @cached_property
    def _sources(self) -> dict[str, str]:
        return {name: files.sha256(self.root / name) for name in filter(None, [self.name, self.labels])}

    def _reasons(self, start: int, stop: int) -> list[str | None]:
        block = self._values[start : min(start + _BLOCK, stop)]
        if block.dtype.kind != "f":
            return [None] * len(block)
        finite = np.asarray(np.isfinite(block.reshape(len(block), -1)).all(axis=1))
        return [None if sound else "non-finite values" for sound in finite]


def _texts(labels: Array) -> list[str | None]:
    """Return label texts; an empty text is no label."""
    if labels.dtype.kind == "b":
        return [str(label).lower() for label in labels.tolist()]
    if labels.dtype.kind == "f":
        return [None if label != label else str(int(label)) for label in labels.tolist()]
    return [str(label) or None for label in labels.tolist()]


def _relative(labels: Path, beside: Path) -> str:
    """Return the path of the labels as seen from the data, so that both can move together."""
    if not labels.is_file():
        raise OptionError(f"--labels {labels} is not a file", "name a .npy file with one label a sample")
    return os.path.relpath(labels.resolve(), beside.resolve())
