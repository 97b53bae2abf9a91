"""How what samples carry stands in an export: its `export.json` says it, and it is read back as it was.

A member of a shard is a column of a table, a column a field in a member of JSON, a list a cell of text. The
next export of such an export undoes that: from format to format, a column stays a column, a file a file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from prune.core.errors import OutputError
from prune.exporters.job import ExportJob
from prune.exporters.place import DOT, located
from prune.exporters.staging.existing_export import read_export
from prune.readers.huggingface import HuggingFace
from prune.system.local_paths import real

CAPTIONS = ("txt", "caption", "text")  # columns that a shard holds as .txt
CARRIES = "carries"  # in a description, and in the memo of a job
BLANK = "blank"  # a kind of text of which the empty one stands for none
_IMAGE = "image"  # a kind of bytes


@dataclass(frozen=True)
class Carried:
    """Of one sample: values of columns by name, bytes of files by extension."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class CarriedForm:
    """What stands otherwise in an export than it did; what is not named stands as it was."""

    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What a column is called there -> its own name, and the kind that a text stands for: `json`, `int64`."""
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What a column is called there -> the extension of the file that it was, and `blank` or no kind."""
    members: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The name of a member before its last dot -> the column that it was, and `image` or `binary`."""
    holder: str = ""  # the member that holds columns
    caption: str = ""  # the member that is made of a column, too

    @classmethod
    def of(cls, said: Any) -> Self:
        """Return what a description says; whatever is no such thing says nothing."""
        if not isinstance(said, dict):
            return cls()
        known: dict[str, Any] = {}
        for one in fields(cls):
            value = said.get(one.name)
            if isinstance(value, dict) and one.name in _PAIRS:
                known[one.name] = {name: (*pair,) for name, pair in value.items() if _is_pair(pair)}
            elif isinstance(value, str) and one.name not in _PAIRS:
                known[one.name] = value
        return cls(**known)

    def said(self) -> dict[str, Any]:
        """Return what a description says of it; nothing of what stands as it was."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}

    def restored(self, one: Carried) -> Carried:
        """Return what a sample of the export carried before it was exported."""
        columns: dict[str, Any] = {}
        files: dict[str, bytes] = {}
        for name, data in one.files.items():
            stem = name.rpartition(".")[0]
            if name == self.holder:
                columns |= _object(data)
            elif stem in self.members:
                column, kind = self.members[stem]
                columns[column] = {"bytes": data, "path": None} if kind == _IMAGE else data
            else:
                files[name] = data
        for name, value in one.columns.items():
            if name in self.files:
                extension, kind = self.files[name]
                if (held := _value(value, kind)) is not None:
                    files[extension] = held.encode() if isinstance(held, str) else held
            else:
                own, kind = self.columns.get(name, (name, ""))
                columns[own] = _value(value, kind)
        if self.caption in files and files[self.caption] == caption_of(columns):
            del files[self.caption]
        return Carried(columns, files)


def caption_of(columns: Mapping[str, Any]) -> bytes | None:
    """Return the column that is a caption, as a shard holds it."""
    text = next((columns[name] for name in CAPTIONS if isinstance(columns.get(name), str)), None)
    return None if text is None else text.encode(errors="backslashreplace")


def form_of(job: ExportJob) -> CarriedForm:
    """Return the form of the export that the samples lie in; of other data, all stands as it is."""
    if "form" not in job.memo:
        job.memo["form"] = CarriedForm.of(next((one.get(CARRIES) for one in descriptions_of(job)), None))
    found: CarriedForm = job.memo["form"]
    return found


def note_form(job: ExportJob, form: CarriedForm) -> None:
    """Let the description of the export in the making say its form."""
    job.memo[CARRIES] = form.said()


def descriptions_of(job: ExportJob) -> Iterator[dict[str, Any]]:
    """Yield what exports say of themselves that the samples lie in."""
    for place in map(real, dict.fromkeys((*job.reader.places, job.reader.root))):
        above = place.parents[:2] if isinstance(job.reader, HuggingFace) else ()  # of a split, or `data`
        for folder in (place, *above):
            if (export := known_export(folder)) is not None:
                yield export
                return


def known_export(place: Path) -> dict[str, Any] | None:
    """Return what an export says of itself; nothing where a newer version wrote it, or its data is gone."""
    with contextlib.suppress(OutputError):
        export = read_export(place)
        return export if export is not None and lies_at(place, export["files"]) else None
    return None


def lies_at(place: Path, listed: Mapping[str, Any]) -> bool:
    """Whether some file of an export is as it was written: its description may stay beside other data."""
    data = [(located(place, name), listed[name]["size"]) for name in listed if not name.startswith(f"{DOT}/")]
    return not data or any(path.is_file() and path.stat().st_size == size for path, size in data)


def _is_pair(pair: Any) -> bool:
    """Whether this is a name, which is no path, and a kind."""
    whole = isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
    return whole and "/" not in pair[0] and "\0" not in pair[0]


def _object(data: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        held = json.loads(data)
        if isinstance(held, dict):
            return held
    return {}


def _value(value: Any, kind: str) -> Any:
    """Return what a text stands for; any other value, and a text that is no such thing, is itself."""
    if not isinstance(value, str) or kind not in _READ:
        return value
    if not value:
        return None
    with contextlib.suppress(ValueError, RecursionError):
        return _READ[kind](value)
    return value


_PAIRS = {"columns", "files", "members"}
_READ: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "bool": json.loads,
    "int64": int,
    "double": float,
    BLANK: str,
}
