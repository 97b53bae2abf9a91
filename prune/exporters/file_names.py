"""Names that every file system and every reader takes, one for each exported sample.

Of two that become equal, the later one gets its row in the dataset: equal exports have equal names.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

from prune.core.safe_text import counted, readable, shortened
from prune.exporters.job import ExportJob
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
    """Return `folder/name` for each key, without suffix: the name is the last component of the key.

    Of a key that lies in this folder already, it is all that stands behind that.
    """
    return distinct(map(_file_name, keys, folders), rows)


def _file_name(key: str, folder: str) -> str:
    stem = without_suffix(key)
    inside = bool(folder) and stem.startswith(f"{folder}/")
    parts = stem.removeprefix(f"{folder}/").split("/") if inside else [stem.rpartition("/")[2]]
    name = "/".join(safe_name(part) for part in parts if part) or "_"
    return f"{folder}/{name}" if folder else name


def say_renamed(job: ExportJob, called: Sequence[str], why: str) -> None:
    """Say how many keys an export cannot have as they are; a folder before one is none of these.

    Parameters
    ----------
    job
        The samples.
    called
        What each is called instead, without suffix.
    why
        What the format does not take.
    """
    keys = map(without_suffix, job.column("key").to_pylist())
    pairs = ((key, name) for key, name in zip(keys, called, strict=True))
    other = [(key, name) for key, name in pairs if key != name and not name.endswith(f"/{key}")]
    if other:
        key, name = other[0]
        job.reporter.say(
            f"{counted(len(other), 'key')} {'is' if len(other) == 1 else 'are'} called otherwise, as {why}:"
            f" {shortened(readable(key), 60)} is {shortened(readable(name), 60)}"
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
