"""A glob or brace pattern as DATA: of shards or of parquet files; of other files, what to name instead."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.folders.image_files import may_be_image
from prune.readers.foreign.formats import matched, refuse_unread
from prune.readers.foreign.shell_lines import word

_FORMATS = {".tar": "webdataset", ".parquet": "huggingface"}


def recognise_pattern(data: str) -> str:
    """Return the format of the files that a pattern names; shards, where it names none.

    Raises
    ------
    DataError
        It names files of both formats, or files that are read by their folder, one by one, or not at all.
    """
    files = matched(data)
    found = Counter(file.suffix for file in files)
    formats = [name for suffix, name in _FORMATS.items() if found[suffix]]
    if len(formats) > 1:
        first, *others = formats
        choices = " or ".join(f"--as {name}" for name in others)
        raise DataError(f"{data} names .tar and .parquet files", f"--as {first}   # or {choices}")
    if formats:
        return formats[0]
    refuse_unread(data)
    if data.endswith(".parquet"):
        return "huggingface"
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


def _above(files: list[Path]) -> Path:
    """Return the folder of pictures, or the one above if they lie in several, which are classes."""
    folders = {file.parent for file in files}
    first = min(folders)
    return first if len(folders) == 1 else first.parent
