"""Findings of a check: what is wrong, one a file, each with the command that mends it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from prune.core.errors import StoreError

Kind = Literal["damaged", "missing", "stale", "unknown", "unreadable", "note"]
FAULTS = ("damaged", "missing", "stale", "unknown")  # what makes a place not whole
_KEPT = 1000  # findings of a kind that are listed; the others are counted
_BLOCK = 1 << 20  # bytes a read
_DENIED = "cannot be read: permission denied"
_STRANGE = "is none of prune's"
Read = TypeVar("Read")


@dataclass(frozen=True)
class Finding:
    """One fact: the kind, the file, what is the matter with it, and what to type."""

    kind: Kind
    path: str
    why: str
    command: str = ""


@dataclass
class Findings:
    """All facts about one place; files are looked at through it, so that it counts them."""

    advance: Callable[[int], None]
    place: str = ".prune"
    listed: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    digest_of: Callable[[Path], tuple[str, int]] | None = None  # of files that are not read by their path

    def add(self, kind: Kind, path: str, why: str, command: str = "") -> None:
        """Keep a fact; of a million of a kind the first thousand."""
        if why == _DENIED:  # to make it again would not help
            command = f"chmod -R u+rwX {shlex.quote(self.place)}   # as the user whose files they are"
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= _KEPT:
            self.listed.append(Finding(kind, path, why, command))

    @contextlib.contextmanager
    def past_denied(self, kind: Kind = "damaged") -> Iterator[None]:
        """Go on after a place that may not be read: that is a finding, too."""
        try:
            yield
        except PermissionError as error:
            self.add(kind, str(error.filename), _DENIED)

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged, missing, stale or strange."""
        return not any(self.counts.get(kind) for kind in FAULTS)

    @property
    def commands(self) -> list[str]:
        """What to type, each command once, in the order of the findings."""
        return list(dict.fromkeys(finding.command for finding in self.listed if finding.command))

    def described(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        return {
            "whole": self.whole,
            "files": self.files,
            "bytes": self.bytes,
            "counts": dict(self.counts),
            "findings": [asdict(finding) for finding in self.listed],
        }

    def check(
        self, path: Path, digest: str, command: str = "", *, link: bool = False, noted: bool = False
    ) -> bool:
        """Read a file, and keep what is wrong with it; return whether it is whole.

        Parameters
        ----------
        digest
            Its SHA-256, or the first characters of it.
        command
            What makes it again.
        link
            It should be a symbolic link, to a file of this content.
        noted
            Nothing shows it: what is wrong with it is only noted.
        """
        self.files += 1
        self.advance(1)
        fault = self._fault(path, digest, link)
        if fault:
            self.add("note" if noted else fault[0], str(path), fault[1], command)
        return fault is None

    def read(
        self, path: Path, reading: Callable[[], Read], command: str = "", *, noted: bool = False
    ) -> Read | None:
        """Return what a file that describes others says; None where it cannot be had, and that is kept."""
        self.files += 1
        self.advance(1)
        try:
            return reading()
        except (OSError, ValueError, KeyError, TypeError, StoreError) as error:
            there = isinstance(error, PermissionError) or path.exists()
            kind: Kind = "damaged" if there else "missing"
            self.add("note" if noted else kind, str(path), why(error, kind), command)
            return None

    def strange(self, path: Path) -> None:
        """Note a file that belongs to nothing."""
        left = path.name.startswith(".prune-")
        what = "was left by a command that was stopped; the next one removes it" if left else _STRANGE
        self.add("note", str(path), what)

    def _fault(self, path: Path, digest: str, link: bool) -> tuple[Kind, str] | None:
        try:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode) != link or not (link or stat.S_ISREG(mode)):
                return "damaged", "is not the file that was written"
            found, size = (self.digest_of or _sha256)(path)
        except (FileNotFoundError, NotADirectoryError):
            return "missing", "leads nowhere" if os.path.lexists(path) else "is missing"
        except OSError as error:
            return "damaged", f"cannot be read: {str(error.strerror).lower()}"
        self.bytes += size
        return None if found.startswith(digest) else ("damaged", "is damaged" if size else "is empty")


def why(error: Exception, kind: str = "damaged") -> str:
    """Say what is the matter with a file that reading has failed for."""
    return _DENIED if isinstance(error, PermissionError) else f"is {kind}"


def _sha256(path: Path) -> tuple[str, int]:
    """Hex digest and size; a folder in the place of a file is an `OSError`."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size
