"""A glob or brace pattern as DATA: of shards, parquet or lines; of other files, what to name instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.folders.image_files import may_be_image
from prune.readers.foreign.formats import matched, refuse_unread
from prune.readers.foreign.shell_lines import word
from prune.readers.format import Format
from prune.readers.lines import json, jsonl
from prune.readers.lines.line_files import is_named_like


def recognise_pattern(data: str, table: Mapping[str, Format]) -> str:
    """Return the format, of a table, of the files that a pattern names; shards, where it names none.

    Raises
    ------
    DataError
        It names files of both formats, or files that are read by their folder, one by one, or not at all.
    """
    files = matched(data)
    found = Counter(_format_of_file(file, table) for file in files)
    formats = [name for name in table if found[name]]
    if len(formats) > 1:
        first, *others = formats
        choices = " or ".join(f"--as {name}" for name in others)
        kinds = " and ".join(table[name].suffixes[0] for name in formats)
        raise DataError(f"{data} names {kinds} files", f"--as {first}   # or {choices}")
    if formats:
        return formats[0]
    refuse_unread(data)
    if (meant := _format_of(data, table)) is not None:
        return meant
    pictures = [file for file in files if may_be_image(file.name)]
    if pictures:
        what = f"{data} is a pattern of images, and prune reads folders of them"
        raise DataError(what, f"prune embed {word(_above(pictures))}")
    single = next((file for file in files if file.suffix in {".npy", ".arrow"}), None)
    if single is not None:
        place = single if single.suffix == ".npy" else single.parent
        what = f"{data} is a pattern of {single.suffix} files, and patterns are for .tar and .parquet files"
        raise DataError(what, f"prune embed {word(place)}")
    return "webdataset"


def _format_of(name: str, table: Mapping[str, Format]) -> str | None:
    """Return the format of a file by its suffix; what lies in a shard, by that of the shard alone."""
    for format_, row in table.items():
        if name.endswith(row.suffixes) or (row.counts and is_named_like(name, row.suffixes)):
            return format_
    return None


def _format_of_file(file: Path, table: Mapping[str, Format]) -> str | None:
    """Return the format of a file: of `.json` what its first bytes say."""
    if json.looks_like(file):
        return "json"
    return "jsonl" if jsonl.is_lines(file) else _format_of(file.name, table)


def _above(files: list[Path]) -> Path:
    """Return the folder of pictures, or the one above if they lie in several, which are classes."""
    folders = {file.parent for file in files}
    first = min(folders)
    return first if len(folders) == 1 else first.parent
