"""Every image below a folder, in a fixed order, with what cannot be read and a count of what is passed over.

Folders that are links are followed, wherever they lead, but never back to one that they lie in, and never
to one folder more often than any dataset needs: links to links could be followed for ever.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prune.readers.folders.descriptions import is_description
from prune.readers.folders.image_files import is_image, kind_of, may_be_image
from prune.readers.folders.metadata import NAMES as METADATA
from prune.readers.folders.roles import is_no_data, notes_among
from prune.readers.tar.samples import printable
from prune.system.os_errors import reading

_OFTEN = 16  # times that one folder may be read through links
_FOLDER, _LINK = "a folder", "a link"
_Place = tuple[int, int]  # device and inode

Entry = tuple[str, str | None]


@dataclass
class Walk:
    """One pass over the folders below a root; `passed_over` counts as it goes."""

    root: Path
    as_it_stands: bool = False  # every folder holds samples, whatever its name says
    passed_over: Counter[str] = field(default_factory=Counter)
    _linked: Counter[_Place] = field(default_factory=Counter)

    def entries(self) -> Iterator[Entry]:
        """Yield every image, and why it cannot be read, in order; one open folder at a time."""
        waiting = [(self._place(""), iter(self._listing("")))]
        found = before = 0
        while waiting:
            entry = next(waiting[-1][1], None)
            if entry is None:
                waiting.pop()
                if len(waiting) == 1:  # that was a folder of the root, which would be a class
                    self.passed_over.update({"folder without images": 1} if found == before else {})
                    before = found
                continue
            name, reason = entry
            if reason not in {_FOLDER, _LINK}:
                found += 1
                before += len(waiting) == 1
                yield name, reason or _unnameable(name)
                continue
            place = self._place(name)
            above = {above for above, _ in waiting}
            if place is None or place in above:
                self.passed_over["link to a folder that it lies in"] += 1
            elif reason == _LINK and self._too_often(place):
                found += 1
                before += len(waiting) == 1
                yield name, f"is a link to a folder that was read {_OFTEN} times already"
            else:
                waiting.append((place, iter(self._listing(name + "/"))))

    def _too_often(self, place: _Place) -> bool:
        self._linked[place] += 1
        return self._linked[place] > _OFTEN

    def _place(self, folder: str) -> _Place | None:
        try:
            found = os.stat(self.root / folder)  # noqa: PTH116 - as `Unit.token`
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _listing(self, folder: str) -> list[Entry]:
        """Return the folders and images of one folder, sorted by the bytes of their names."""
        place = self.root / folder
        with reading(place), os.scandir(place) as entries:
            found = {e.name: self._kind(place, e) for e in entries if not e.name.startswith(".")}
        if not self.as_it_stands:
            self._leave_out_notes(found, top=not folder)
        for name in [name for name, kind in found.items() if kind in {_FOLDER, _LINK} and is_no_data(name)]:
            self.passed_over[f"folder {name}"] += 1
            del found[name]
        names = sorted((name for name, kind in found.items() if kind != ""), key=os.fsencode)
        return [(folder + name, found[name]) for name in names]

    def _leave_out_notes(self, found: dict[str, str | None], *, top: bool) -> None:
        folders = [name for name, kind in found.items() if kind in {_FOLDER, _LINK}]
        for name in notes_among(folders, pictures=None in found.values(), top=top):
            self.passed_over[left_aside(name)] += 1
            del found[name]

    def _kind(self, place: Path, entry: os.DirEntry[str]) -> str | None:
        """Return what an entry is: a folder, a link to one, a reason to reject it, "" or None (an image)."""
        if entry.is_symlink():
            return self._kind_of_link(place, entry)
        if entry.is_dir(follow_symlinks=False):
            return "" if is_description(entry.path) else _FOLDER
        if not entry.is_file(follow_symlinks=False):
            special = "is a pipe, socket or device, not a file"
            return special if may_be_image(entry.name) else ""
        return self._kind_of_file(place, entry.name)

    def _kind_of_link(self, place: Path, entry: os.DirEntry[str]) -> str | None:
        path = Path(entry.path)
        if path.is_dir():  # a link that runs in a circle is False here, an error in `entry`
            return _LINK
        problem = _link_problem(path)
        if problem is None:
            return self._kind_of_file(place, entry.name)
        known = may_be_image(entry.name) or "." not in entry.name  # a lost picture, or a lost class
        return problem if known else self._kind_of_file(place, entry.name)

    def _kind_of_file(self, place: Path, name: str) -> str | None:
        if is_image(place, name):
            return None
        if name not in METADATA:
            self.passed_over[kind_of(printable(name))] += 1
        return ""


def left_aside(folder: str) -> str:
    """Say of a folder what follows the number of those that are passed over."""
    return f"folder {folder}/ (annotations, not samples)"


def _link_problem(path: Path) -> str | None:
    try:
        target = os.path.realpath(path, strict=True)
        kind = os.stat(target).st_mode  # noqa: PTH116
    except OSError:
        return "is a link to nothing"
    return None if stat.S_ISREG(kind) else "is a link to something that is not a file"


def _unnameable(name: str) -> str | None:
    return None if printable(name) == name else "the name is not UTF-8"
