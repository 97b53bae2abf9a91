"""A list of keys and labels: samples that prune never looks at, because only the user's code reads them.

`TraceWriter` writes the list into the store, so that a dataset which no reader knows is scored and selected
from like any other. Its images cannot be read; everything else can be done with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.arrays import Array
from prune.core.errors import DataError
from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, Unit, with_sources
from prune.store.tables import from_parquet, to_parquet
from prune.system import files

_CLASSES = b"prune-classes"


def keys_table(keys: Sequence[str], labels: Sequence[str | None], classes: Sequence[str]) -> pa.Table:
    """Return what a list says.

    Parameters
    ----------
    keys, labels
        One each a sample; a label is one of `classes`, or None.
    classes
        Names, in the order of their ids.
    """
    table = pa.table({"key": pa.array(keys, pa.string()), "label": pa.array(labels, pa.string())})
    return table.replace_schema_metadata({_CLASSES: json.dumps(list(classes)).encode()})


def tells_other(path: Path, table: pa.Table) -> bool:
    """Whether there is a whole list that says something else."""
    try:
        there = open_keys(str(path))
    except DataError:
        return False
    names = json.loads(table.schema.metadata[_CLASSES])
    return list(there.names) != names or not there.table.equals(table)


def write_keys(path: Path, table: pa.Table) -> None:
    """Write a list; one that is there already is left as it is."""
    data = to_parquet(table)
    if not path.exists() or path.read_bytes() != data:
        files.write(path, data)


def open_keys(data: str) -> Keys:
    """Open a list that `write_keys` wrote.

    Raises
    ------
    DataError
        It is missing or damaged.
    """
    path = Path(data)
    try:
        table = from_parquet(path.read_bytes())
        names = json.loads((table.schema.metadata or {})[_CLASSES])
        return Keys(path.parent, path.name, table.select(["key", "label"]), tuple(names))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"the list of keys {path} is missing or damaged", "run your training again"
        ) from error


@dataclass(frozen=True)
class Keys:
    """One list; `table` has the columns key and label."""

    root: Path
    name: str
    table: pa.Table = field(repr=False)
    names: tuple[str, ...]  # of the classes
    split: str | None = field(default=None, init=False)
    format: str = field(default="keys", init=False)
    modality: str = field(default="image", init=False)  # of what nobody can read

    @property
    def options(self) -> Mapping[str, Any]:
        """Nothing but the file decides how it is read."""
        return {}

    @property
    def places(self) -> Sequence[Path]:
        """The file."""
        return [self.root / self.name]

    def with_labels(self, file: LabelFile) -> Keys:
        """Return this list: it has labels of its own, and nobody types it."""
        del file
        return self

    def units(self) -> Iterator[Unit]:
        """Yield the file as one piece."""
        yield Unit(self.name, (self.name,))

    def scan(self, unit: Unit) -> pa.Table:
        """Return keys and labels; nothing else is known."""
        n = self.table.num_rows
        known = {"key": self.table["key"], "label": self.table["label"], "index": pa.array(range(n))}
        arrays = [known.get(kind.name, pa.nulls(n, kind.type)) for kind in RAW]
        table = pa.Table.from_arrays(arrays, names=RAW.names).cast(RAW)
        return with_sources(table, {unit.name: files.sha256(self.root / unit.name)})

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the names that were given, whether a sample has them or not."""
        del labels
        return list(self.names)

    def payloads(self, samples: pa.Table) -> Iterator[bytes | Array]:
        """Yield nothing: there are no images here.

        Raises
        ------
        DataError
            Always.
        """
        raise DataError(
            f"{samples.num_rows} samples are known by their keys alone: prune cannot read them",
            "name the dataset itself, or use scores of your own training: prune score --type aum",
        )
