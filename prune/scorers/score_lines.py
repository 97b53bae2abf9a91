"""Scores in lines of JSON: fields of numbers by key, or the attributes of documents as dolma writes them.

An attribute of dolma is a list of spans, `[[start, end, score], …]`: its score is the mean over them by their
lengths, of a document without a span 0.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError
from prune.modalities.text.lines import lines_of
from prune.readers.lines.containers import FileContent
from prune.readers.lines.line_files import is_named_like
from prune.store.join import KEYS

SUFFIXES = (".jsonl", ".ndjson", ".json")
_ATTRIBUTES = "attributes"
_OTHER = re.compile(r"[^A-Za-z0-9_-]")


def is_of_lines(path: Path) -> bool:
    """Whether a file is called like one of lines of JSON, compressed or not."""
    return is_named_like(path.name, SUFFIXES)


def read_score_lines(path: Path) -> pa.Table:
    """Return the keys and the numbers of a file, a row a line.

    Raises
    ------
    DataError
        It cannot be read, or a line is no object with numbers.
    """
    columns: dict[str, list[Any]] = defaultdict(list)
    rows = 0
    with FileContent(path) as content:
        for number, (_, _, line) in enumerate(lines_of(content), 1):
            if line is not None and not line.strip():
                continue
            try:
                found = _numbers(_object(line))
            except ValueError as error:
                raise DataError(
                    f"line {number} of {path}: {error}", "write one JSON object a line"
                ) from error
            for name, value in found.items():
                column = columns[name]
                column.extend([None] * (rows - len(column)))
                column.append(value)
            rows += 1
    for column in columns.values():
        column.extend([None] * (rows - len(column)))
    return pa.table({name: _column(name, values) for name, values in columns.items()})


def _object(line: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(b"" if line is None else line)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"it is a JSON {type(found).__name__}, not an object")
    return found


def _numbers(fields: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: str(fields[name]) for name in KEYS if isinstance(fields.get(name), str | int)
    }
    found |= {
        name: float(value)
        for name, value in fields.items()
        if name not in KEYS and isinstance(value, int | float)
    }
    attributes = fields.get(_ATTRIBUTES)
    if isinstance(attributes, Mapping):
        found |= {_OTHER.sub("_", name)[:64]: _mean(name, spans) for name, spans in attributes.items()}
    return found


def _mean(name: str, spans: Any) -> float:
    """Return the score of a document by those of its spans."""
    if isinstance(spans, int | float):
        return float(spans)
    try:
        weighed = [(max(0, end - start), float(score)) for start, end, score in spans]
    except (TypeError, ValueError) as error:
        raise ValueError(f"the attribute {name!r} holds no spans [start, end, score]") from error
    total = sum(length for length, _ in weighed)
    if total:
        return sum(length * score for length, score in weighed) / total
    return sum(score for _, score in weighed) / len(weighed) if weighed else 0.0


def _column(name: str, values: list[Any]) -> pa.Array:
    return pa.array(values, pa.string() if name in KEYS else pa.float64())
