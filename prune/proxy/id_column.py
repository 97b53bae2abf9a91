"""A column of ids of texts: int32 (n, L), each text read once and its words turned into numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.column_name import ColumnName
from prune.core.progress import Reporter
from prune.modalities.text.batches import ROOM, TextSource, read_texts
from prune.store import PART_ROWS, Carry, Column, Dataset, Store, nothing_carried
from prune.system.disk_space import require_room

_PART_BYTES = 64 << 20  # in memory at once
_LEAST_ROWS = 256


@dataclass(frozen=True)
class IdColumn:
    """How such a column is made."""

    name: ColumnName  # `KIND.L`
    recipe: dict[str, Any]
    ids_of: Callable[[Sequence[str]], npt.NDArray[np.int32]]  # (b, L) of some texts
    stage: str  # what is done, in words
    carry: Carry = nothing_carried  # gives the rows of an earlier state of the dataset, which are not read

    def write(
        self, store: Store, reader: TextSource, dataset: Dataset, reporter: Reporter
    ) -> tuple[Column, bool]:
        """Write the column, or go on with it; return it finished, and whether something was missing.

        Memory: one part, 64 MiB or 256 rows, and a batch of texts.

        Raises
        ------
        OutputError
            It will not fit on the disk.
        """
        length = int(self.name.of)
        rows = min(max(_PART_BYTES // (4 * length) // _LEAST_ROWS * _LEAST_ROWS, _LEAST_ROWS), PART_ROWS)
        writer = store.write_column(self.name, self.recipe, rows=len(dataset), part_rows=rows)
        missing = list(writer.missing())
        carried = self.carry(self.name, self.recipe) if missing else None
        writer.overlay = None if carried is None else carried.over
        left = sum(part.stop - part.start for part in missing)
        if missing:
            require_room(writer.folder, left * 4 * length)
            with reporter.stage(self.stage, left) as advance:
                for part in missing:
                    values = np.empty((part.stop - part.start, length), np.int32)
                    samples = dataset.samples.slice(part.start, part.stop - part.start)
                    samples = samples if carried is None else carried.unread(samples, part.start)
                    for start, texts in read_texts(reader, samples, room=ROOM):
                        values[start : start + len(texts)] = self.ids_of(texts)
                        advance(len(texts))
                    writer.put(part, values)
        return writer.finish(), bool(missing)
