"""Keys of the rows of a table: by a column of keys, by the paths of their images, or by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from prune.readers.sample import key_problem
from prune.readers.tables import columns
from prune.readers.tables.files import TableFiles
from prune.readers.tables.rows import Rows, reading
from prune.readers.tables.sample import KEY, is_plain

Check: TypeAlias = Callable[[Rows], None]


def key_rule(
    table: TableFiles, image_column: str | None, check: Check, ids: Sequence[str] | None = None
) -> str:
    """Return what makes the keys: `__key__`, `path` (of images), `row`, or a column of ids.

    Parameters
    ----------
    image_column
        None for a table of features: the first column whose values are keys, and all different, has them.
    check
        Raises DataError where a file has other columns than the first.
    ids
        Names of the columns that hold keys of a table of texts; they may differ in the case of letters only.
    """
    schema = table.schema
    if KEY in schema.names and pa.types.is_string(schema.field(KEY).type):
        return KEY
    if ids is not None:
        usable = [name for name in columns.key_columns(schema) if name in ids]
        return next((name for name in usable if _tells_apart(table, name, exactly=True)), "row")
    if image_column is None:
        return next((name for name in columns.key_columns(schema) if _tells_apart(table, name)), "row")
    if not _has_paths(schema, image_column):
        return "row"
    pieces: list[pa.Array] = []
    for file in table.starts:
        with table.leniently(), reading(table.root / file):
            for images in _image_paths(table, file, image_column, check):
                paths = pc.struct_field(images, "path")
                if any(not path or key_problem(path) for path in paths.to_pylist()):
                    return "row"
                pieces.append(pc.utf8_lower(pc.utf8_normalize(paths, form="NFC")))
    folded = pa.chunked_array([piece.cast(pa.large_string()) for piece in pieces], pa.large_string())
    return "path" if pc.count_distinct(folded).as_py() == len(folded) else "row"


def external(table: TableFiles, file: str, image_column: str, check: Check) -> list[str]:
    """Return the paths of a file's images that have no bytes, or may have none."""
    rows = table.rows(file)
    if not _has_paths(rows.schema, image_column) or not rows.may_be_null(f"{image_column}.bytes"):
        return []
    found: list[str | None] = []
    with table.leniently(), reading(rows.path):
        for images in _image_paths(table, file, image_column, check):
            paths = pc.struct_field(images, "path")
            if images.type.get_field_index("bytes") >= 0:
                paths = paths.filter(pc.struct_field(images, "bytes").is_null())
            found += paths.to_pylist()
    return [path for path in found if path]


def _tells_apart(table: TableFiles, column: str, *, exactly: bool = False) -> bool:
    """Say whether all values of a column are keys, and no two are the same, `exactly` or but for case."""
    pieces: list[pa.Array] = []
    for file in table.starts:
        if column not in table.rows(file).schema.names:
            return False
        with table.leniently(), reading(table.root / file):
            for _, batch in table.rows(file).batches([column]):
                pieces += batch[column].cast(pa.large_string()).chunks
    keys = pa.chunked_array(pieces, pa.large_string())
    try:
        if not is_plain(keys) and any(not key or key_problem(key) for key in keys.to_pylist()):
            return False
        told = pc.utf8_normalize(keys, form="NFC") if exactly else pc.utf8_lower(keys)
    except (pa.ArrowInvalid, UnicodeDecodeError):  # of bytes that are no UTF-8
        return False
    return pc.count_distinct(told).as_py() == len(keys)


def _image_paths(table: TableFiles, file: str, image_column: str, check: Check) -> Iterator[pa.StructArray]:
    """Yield the images of a file with their paths; of parquet, without their bytes."""
    rows = table.rows(file)
    check(rows)
    for _, batch in rows.batches([f"{image_column}.path"]):
        yield from batch[image_column].chunks


def _has_paths(schema: pa.Schema, column: str) -> bool:
    """Say whether a path stands beside the bytes of an image."""
    kind = schema.field(column).type if schema.names.count(column) == 1 else None
    if kind is None or not pa.types.is_struct(kind) or kind.get_field_index("path") < 0:
        return False
    return pa.types.is_string(kind.field("path").type) or pa.types.is_large_string(kind.field("path").type)
