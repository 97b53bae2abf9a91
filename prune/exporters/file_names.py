"""Names that every file system and every reader takes, one for each exported sample.

Of two that become equal, the later one gets its row in the dataset: equal exports have equal names.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

from prune.exporters.staging.existing_export import MAX_NAME_BYTES

_SUFFIX = re.compile(
    r"(?<=[^/])\.(jpe?g|jpe|jfif|png|gif|bmp|tiff?|webp|ppm|pgm|pbm|pnm|avif|heic|jp2|ico|bin)$",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # not file names on Windows
_ROOM = MAX_NAME_BYTES - 55  # for numbers and suffixes


def shard_keys(keys: Sequence[str], rows: Iterable[int] | None = None) -> list[str]:
    """Return names for members of a tar: no image suffix, and no dot in the last component.

    A WebDataset key ends at the first dot after the last slash, so `cat/1.v2.png` becomes `cat/1_v2`. Of two
    keys that become equal, the later one gets its row: `cat/1_v2_7`.
    """
    return distinct(map(_shard_key, keys), rows)


def file_names(keys: Sequence[str], folders: Sequence[str], rows: Iterable[int] | None = None) -> list[str]:
    """Return `folder/name` for each key, without suffix: the name is the last component of the key."""
    stems = (safe_name(without_suffix(key).rpartition("/")[2]) for key in keys)
    return distinct(
        (f"{folder}/{stem}" if folder else stem for folder, stem in zip(folders, stems, strict=True)), rows
    )


def folder_names(classes: Sequence[str]) -> list[str]:
    """Return a name for the folder of each class."""
    return distinct(safe_name(name) for name in classes)


def without_suffix(key: str) -> str:
    """Return a key without the suffix of an image file."""
    return _SUFFIX.sub("", key)


def safe_name(text: str) -> str:
    """Return one component of a path that stands for any text: `a/b` becomes `a_b`."""
    text = unicodedata.normalize("NFC", text)
    kept = "".join("_" if _unsafe(c) else c for c in text)
    kept = kept.encode(errors="replace")[:_ROOM].decode(errors="ignore").rstrip(" .")
    if not kept or kept[0] in ". " or _RESERVED.match(kept):
        kept = f"_{kept.lstrip('. ')}"
    return kept


def distinct(names: Iterable[str], rows: Iterable[int] | None = None) -> list[str]:
    """Make names differ, even where case and Unicode form do not count.

    A later one gets its row added, or its place if there are no `rows`.
    """
    taken: set[str] = set()
    result = []
    for row, name in zip(itertools.count() if rows is None else rows, names, strict=False):
        free = name
        while folded(free) in taken:
            free = f"{free}_{row}"
        taken.add(folded(free))
        result.append(free)
    return result


def _shard_key(key: str) -> str:
    parts = [part for part in without_suffix(key).split("/") if part not in {"", ".", ".."}]
    name = "/".join([*parts[:-1], parts[-1].replace(".", "_")]) if parts and parts[-1].strip() else "_"
    return name if not re.match(r"__[^/]*__(/|$)", name) else name[1:]  # the library passes over such names


def _unsafe(character: str) -> bool:
    return character in '/\\:*?"<>|' or unicodedata.category(character)[0] == "C"


def folded(name: str) -> str:
    """Return what names are compared by where case and Unicode form do not count."""
    return unicodedata.normalize("NFC", name).casefold()
