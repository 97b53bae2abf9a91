"""The keys of many samples: a column of Arrow, of which no more are Python strings than are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from prune.core.arrays import Rows

_TOGETHER = 65_536  # keys that are Python strings at a time


class SampleKeys(Sequence[str]):
    """Keys at some rows of a column; taking one or all of them is as with a list.

    Parameters
    ----------
    column
        A chunked array of strings of pyarrow.
    rows
        Which of them, in order.
    """

    def __init__(self, column: Any, rows: Rows) -> None:
        self._column, self._rows = column, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> SampleKeys: ...
    def __getitem__(self, at: int | slice) -> str | SampleKeys:
        if isinstance(at, slice):
            return SampleKeys(self._column, self._rows[at])
        key: str = self._column[int(self._rows[at])].as_py()
        return key

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self._rows), _TOGETHER):
            yield from self._column.take(np.asarray(self._rows[start : start + _TOGETHER])).to_pylist()
