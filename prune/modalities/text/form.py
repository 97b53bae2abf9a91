"""A text in what is written: its UTF-8 bytes in a file, itself in a table."""

from __future__ import annotations

import pyarrow as pa

from prune.modalities.form import PayloadForm


def _encoded(text: str) -> bytes:
    return text.encode()


def _suffix_of(data: bytes) -> str:
    del data
    return "txt"


def _cell(data: bytes, name: str) -> str:
    del name
    return data.decode()


FORM = PayloadForm(
    encoded=_encoded,
    suffix_of=_suffix_of,
    column="text",
    kind=pa.string(),
    feature={"dtype": "string", "_type": "Value"},
    cell=_cell,
)
