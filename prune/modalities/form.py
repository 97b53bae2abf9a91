"""How a payload stands in what is written: as the bytes of a file, and as a cell of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class PayloadForm:
    """What exporters know of the payloads of one modality."""

    encoded: Callable[[Any], bytes]
    """The bytes of a file that holds a payload: of bytes themselves, of pixels a PNG, of a text its UTF-8."""
    suffix_of: Callable[[bytes], str]
    """The suffix of such a file."""
    column: str  # of a table, where the source has no name for it
    kind: pa.DataType  # of that column
    feature: Mapping[str, Any] = field(hash=False)  # the same, as the `datasets` library says it
    cell: Callable[[bytes, str], Any] = field(hash=False)
    """The value in that column, of the bytes and of what their file would be called."""
