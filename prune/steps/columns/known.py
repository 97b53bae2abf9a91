"""The columns that the store knows without a look at the dataset; values of all columns, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from posixpath import dirname
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.column_name import ColumnName, scores_among
from prune.store import Dataset, Store
from prune.store.field_column import Codes, FieldColumn, too_many
from prune.store.layout import PART_ROWS

LABEL, KEY = "label", "key"
OF_IMAGES, OF_TEXTS = ("width", "height"), ("length",)  # read once, of every image or text


def _label(dataset: Dataset, samples: pa.Table) -> pa.Array:
    return pa.array(dataset.classes, pa.string()).take(samples["label"].combine_chunks())


def _split(dataset: Dataset, samples: pa.Table) -> pa.Array:
    return pa.array([dataset.split] * len(samples), pa.string())


def _folder(_: Dataset, samples: pa.Table) -> pa.Array:
    pairs = zip(samples["shard"].to_pylist(), samples["key"].to_pylist(), strict=True)
    return pa.array([dirname(key if shard is None else shard) for shard, key in pairs], pa.string())


OF_SAMPLES: dict[str, Callable[[Dataset, pa.Table], pa.Array]] = {
    KEY: lambda _, samples: samples["key"].combine_chunks(),
    LABEL: _label,
    "split": _split,
    "shard": lambda _, samples: samples["shard"].combine_chunks(),
    "folder": _folder,
    "bytes": lambda _, samples: samples["image_size"].combine_chunks(),
}


def own_names(dataset: Dataset) -> list[str]:
    """Return what is known of every sample: its class where there are any."""
    return [name for name in OF_SAMPLES if name != LABEL or dataset.classes]


def payload_names(dataset: Dataset) -> Sequence[str]:
    """Return what a look at every payload tells."""
    return {"image": OF_IMAGES, "text": OF_TEXTS}.get(dataset.modality, ())


def column_behind(store: Store, name: str) -> ColumnName | None:
    """Return the column of the store that holds what goes by this name; None: none does or need.

    A field goes before what is known of every sample, but for its key, and for its label if it has one.
    """
    shown, field = store.state["columns"], ColumnName.field(name)
    if name != KEY and field in shown and not (name == LABEL and store.dataset.classes):
        return field
    return ColumnName(name) if ColumnName(name).is_score and name in shown else None


def is_known(store: Store, dataset: Dataset, name: str) -> bool:
    """Whether the values of a name can be had without the dataset; a damaged column is read again."""
    if name == KEY or (name == LABEL and dataset.classes):
        return True
    behind = column_behind(store, name)
    if behind is None or behind.is_score:
        return behind is not None
    return store.whole_column(behind, store.state["columns"][behind]) is not None


def score_names(store: Store) -> list[str]:
    """Return the scores there are, as one names them."""
    return [str(name) for name in scores_among(store.columns)]


class ColumnValues:
    """Values of columns by their names, all of which `read_columns` has seen to."""

    def __init__(self, store: Store, dataset: Dataset, names: Sequence[str]) -> None:
        self._dataset, self.names = dataset, list(names)
        self._fields: dict[str, FieldColumn] = {}
        self._scores: dict[str, Any] = {}
        for name in names:
            behind = column_behind(store, name)
            if behind is not None and behind.is_score:
                self._scores[name] = store.column(behind)
            elif behind is not None:
                self._fields[name] = FieldColumn(store.column(behind))

    def blocks(self) -> Iterator[tuple[int, dict[str, pa.Array]]]:
        """Yield (first row, values by name) of some ten thousand rows at a time."""
        fields = {name: column.blocks() for name, column in self._fields.items()}
        for start in range(0, len(self._dataset), PART_ROWS):
            held = {name: next(blocks)[1] for name, blocks in fields.items()}
            samples = self._dataset.samples.slice(start, PART_ROWS)
            for name in self.names:
                if name in self._scores:
                    values = self._scores[name].read(start, start + PART_ROWS)
                    held[name] = pa.array(values, mask=~np.isfinite(values))
                elif name not in held:
                    held[name] = OF_SAMPLES[name](self._dataset, samples)
            yield start, {name: held[name] for name in self.names}

    def coded(self, name: str, most: int) -> tuple[Codes, list[Any]]:
        """Return a code for every row, −1 where it has no value, and the values; errors as `too_many`."""
        if name in self._fields:
            return self._fields[name].coded(most)
        places: dict[Any, int] = {}
        parts = []
        for _, held in self.blocks():
            coded = held[name].dictionary_encode()
            own = [places.setdefault(value, len(places)) for value in coded.dictionary.to_pylist()]
            if len(places) > most:
                raise too_many(name, most)
            parts.append(np.array([*own, -1], np.int32)[coded.indices.fill_null(-1).to_numpy()])
        return np.concatenate(parts), list(places)
