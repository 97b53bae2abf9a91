"""Captions in tables: the column of texts beside that of images."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa

from prune.modalities.text.fields import CAPTIONS, TextFields
from prune.readers.tables import columns
from prune.readers.tables.files import TableFiles
from prune.readers.tables.texts import TextColumns


@dataclass(frozen=True)
class TableCaptions:
    """The captions of the rows of a table."""

    table: TableFiles
    columns: TextColumns

    @property
    def where(self) -> str:
        """Where captions are, in words."""
        return ", ".join(self.columns.names)

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the caption of each row, empty where it has none.

        Raises
        ------
        DataError
            A file is gone, shorter than it was, or has no such column.
        """
        for table in self.table.taken(samples, self.columns.names):
            for data in self.columns.contents(table):
                yield "" if isinstance(data, str) else data.decode()


def caption_columns(schema: pa.Schema, aside: Collection[str]) -> TextColumns | None:
    """Return the column that is called like one of captions; None where none is.

    Parameters
    ----------
    aside
        Columns that hold something else: the images, the labels, the keys.
    """
    kinds = {name: schema.field(name).type for name in schema.names if name not in aside}
    texts = [name for name, kind in kinds.items() if columns.holds_text(kind)]
    several = [
        name for name, kind in kinds.items() if columns.is_list(kind) and not columns.holds_numbers(kind)
    ]
    lower = {name.lower(): name for name in [*reversed(several), *reversed(texts)]}
    named = next((lower[name] for name in CAPTIONS if name in lower), None)
    return None if named is None else TextColumns(TextFields((named,)), (named,))
