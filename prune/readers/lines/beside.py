"""What lies beside a table or a list of lines, and says what it is for: images, archives, notes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prune.modalities.image.suffixes import FOREIGN_SUFFIXES, IMAGE_SUFFIXES
from prune.modalities.text.fields import TEMPLATES, TEXTS
from prune.readers.folders.first_entries import glance
from prune.readers.foreign.formats import refuse_unread, unread_suffix
from prune.readers.lines.csv_dialect import look_at

_READ = {None, ".csv", ".tsv"}
_TURNS = {fields[0] for fields in TEMPLATES.values()}


def holds_data_unread(names: Iterable[str]) -> bool:
    """Whether there is data of a form that is known and not read: an archive, raw photographs."""
    return any(
        name.rpartition(".")[2].lower() in FOREIGN_SUFFIXES or unread_suffix(name) not in _READ
        for name in names
    )


def refuse_table_of_images(path: Path) -> None:
    """Raise `DataError` for a table without a text that lies beside images: it holds their labels."""
    if not _beside_images(path.parent):
        return
    _, cells = look_at(path)
    if not {cell.strip().lower() for cell in cells} & {*TEXTS, *_TURNS}:
        refuse_unread(str(path))


def _beside_images(folder: Path) -> bool:
    return any(name.rpartition(".")[2].lower() in IMAGE_SUFFIXES for name in glance(folder))
