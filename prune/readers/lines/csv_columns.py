"""What the columns of one csv file hold: text, label and id, by the header or by their numbers."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from prune.core.errors import DataError
from prune.modalities.text.fields import TEMPLATES, TEXTS, TextFields, find_fields, naming
from prune.readers.lines.csv_dialect import CsvDialect, look_at
from prune.readers.lines.fields import LABELS

_ID = "id"
_SHOWN = 8
_KNOWN = {*TEXTS, *LABELS, _ID, *(name for fields in TEMPLATES.values() for name in fields)}


@dataclass(frozen=True)
class CsvColumns:
    """The dialect of a file, its columns, and which of them count."""

    dialect: CsvDialect
    names: tuple[str, ...]  # numbers from 1 where there is no header
    headed: bool
    fields: TextFields
    label: int | None
    id: int | None

    def text_of(self, cells: Sequence[str]) -> str:
        """Return the text of a row; a `ValueError` says why it has none."""
        at = self._single
        if at is not None and at < len(cells) and cells[at]:
            return cells[at]
        return self.fields.text_of(dict(zip(self.names, cells, strict=False)))

    @cached_property
    def _single(self) -> int | None:
        """The column of the text, where it is one as it stands."""
        single = len(self.fields.paths) == 1 and not self.fields.literals
        return self.names.index(self.fields.paths[0]) if single else None


def columns_of(path: Path, asked: TextFields, label: str | None) -> CsvColumns:
    """Return what the columns of a file hold.

    Parameters
    ----------
    asked
        The columns of text that the user named, if any.
    label
        The column of labels that the user named; empty: one that is called so, None: there are no labels.

    Raises
    ------
    DataError
        There is no such column, or none that is called like a text.
    """
    dialect, cells = look_at(path)
    names = tuple(cell.strip() for cell in cells)
    wanted = [*asked.paths, *([label] if label else [])]
    headed = not wanted or all(name in names for name in wanted)
    if not headed:
        if not all(name.isdecimal() and 1 <= int(name) <= len(names) for name in wanted):
            missing = next(name for name in wanted if name not in names)
            raise DataError(f"{path} has no column {missing!r}", _meant(missing, names, asked, label))
        names = tuple(str(place) for place in range(1, len(names) + 1))
    at_label = _label_in(names, label)
    if not asked.paths:
        asked = _found(path, names, at_label)
    ids = [place for place, name in enumerate(names) if name.lower() == _ID]
    return CsvColumns(dialect, names, headed, asked, at_label, ids[0] if ids else None)


def _label_in(names: Sequence[str], label: str | None) -> int | None:
    if label:
        return names.index(label)
    lower = [name.lower() for name in names]
    return None if label is None else next((lower.index(word) for word in LABELS if word in lower), None)


def _found(path: Path, names: Sequence[str], label: int | None) -> TextFields:
    """Return the columns that are called like a text; only a line that names a known one is a header."""
    if not _KNOWN & {name.lower() for name in names}:
        raise DataError(
            f"the first line of {path} names no column that is known: {_listed(names)}", _choices(names)
        )
    return find_fields(names, where=str(path), aside=() if label is None else (names[label],))


def _meant(missing: str, names: Sequence[str], asked: TextFields, label: str | None) -> str:
    """Return the option with the column that was probably meant; where none is like it, all there are."""
    near = difflib.get_close_matches(missing, [name for name in names if name], n=1, cutoff=0.6)
    if not near or asked.literals:
        return f"columns: {_listed(names)}"
    if missing == label:
        return f"--label-field {shlex.quote(near[0])}"
    return naming([near[0] if path == missing else path for path in asked.paths])


def _choices(names: Sequence[str]) -> str:
    """Return options for a first line of names, and for one that is a sample already: by its longest cell."""
    longest = 1 + max(range(len(names)), key=lambda place: len(names[place]))
    numbered = f"--text-field {longest}, where that line is a sample"
    named = next((name for name in names if _can_be_named(name)), None)
    return f"choose: {numbered}" if named is None else f"choose: {naming([named])}, or {numbered}"


def _can_be_named(name: str) -> bool:
    in_template = "," in name  # where these signs have a meaning of their own
    return 0 < len(name) < 40 and not name.isdecimal() and not (in_template and set(name) & set("{}:!"))


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) < 40 else f"{name[:39]}…" for name in names[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
