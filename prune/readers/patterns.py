"""A glob or brace pattern as DATA: of shards, parquet or lines; of other files, what to name instead."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.folders.image_files import may_be_image
from prune.readers.foreign.formats import matched, refuse_unread
from prune.readers.foreign.shell_lines import word
from prune.readers.lines import csv, json, jsonl, txt
from prune.readers.lines.line_files import is_named_like

_FORMATS = {
    (".tar",): "webdataset",
    (".parquet",): "huggingface",
    jsonl.SUFFIXES: "jsonl",
    csv.SUFFIXES: "csv",
    txt.SUFFIXES: "txt",
    json.SUFFIXES: "json",
}


def recognise_pattern(data: str) -> str:
    """Return the format of the files that a pattern names; shards, where it names none.

    Raises
    ------
    DataError
        It names files of both formats, or files that are read by their folder, one by one, or not at all.
    """
    files = matched(data)
    found = Counter(_format_of_file(file) for file in files)
    formats = [name for name in _FORMATS.values() if found[name]]
    if len(formats) > 1:
        first, *others = formats
        choices = " or ".join(f"--as {name}" for name in others)
        kinds = " and ".join(next(s for s, n in _FORMATS.items() if n == name)[0] for name in formats)
        raise DataError(f"{data} names {kinds} files", f"--as {first}   # or {choices}")
    if formats:
        return formats[0]
    refuse_unread(data)
    if (meant := _format_of(data)) is not None:
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


def _format_of(name: str) -> str | None:
    """Return the format of a file by its suffix; what lies in a shard, by that of the shard alone."""
    for suffixes, format_ in _FORMATS.items():
        if name.endswith(suffixes) or (format_ in _LINES and is_named_like(name, suffixes)):
            return format_
    return None


def _format_of_file(file: Path) -> str | None:
    """Return the format of a file: of `.json` what its first bytes say."""
    if json.looks_like(file):
        return "json"
    return "jsonl" if jsonl.is_lines(file) else _format_of(file.name)


_LINES = {"jsonl", "csv", "txt", "json"}


def _above(files: list[Path]) -> Path:
    """Return the folder of pictures, or the one above if they lie in several, which are classes."""
    folders = {file.parent for file in files}
    first = min(folders)
    return first if len(folders) == 1 else first.parent
