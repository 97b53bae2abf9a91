"""Source files that are still those of the scan: by size, times and inode, where these differ by SHA-256."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prune.core.errors import DataError, StoreError
from prune.readers.sample import facts, remote_facts
from prune.store import Dataset
from prune.system import contents
from prune.system.contents import evidence_now

Seen = tuple[bytes, bool]  # what the system says of a file; whether a later change would show in it


class DisturbedError(StoreError):
    """A file was touched, or changed and changed back, while it was read: what was read may be another's."""


class Sources:
    """The files that a dataset was scanned from."""

    def __init__(self, root: Path, dataset: Dataset) -> None:
        self._root = root
        self._digests = dataset.sources
        self._seen: dict[str, Seen] = dict(dataset.seen)

    def require(self, names: Sequence[str] | None = None) -> None:
        """Raise `StoreError` unless the files (None: all) have the content that was scanned."""
        for name in self._digests if names is None else names:
            try:
                self._require(name)
            except FileNotFoundError as error:
                raise StoreError(f"stale: {name} is missing", _AGAIN) from error
            except OSError as error:
                raise DataError(
                    f"{self._root / name} cannot be read: {str(error.strerror).lower()}", _AGAIN
                ) from error

    @contextlib.contextmanager
    def steady(self, names: Sequence[str]) -> Iterator[None]:
        """Vouch for what is read from the files in the block.

        Raises
        ------
        StoreError
            A file has other content than was scanned.
        DisturbedError
            It has the same, but was not left alone during the block.
        """
        self.require(names)
        before = [self._seen[name] for name in names]
        try:
            yield
        except DataError:
            self.require(names)  # what was found amiss may come of a change
            raise
        self.require(names)
        for name, (known, _) in zip(names, before, strict=True):
            if self._seen[name][0] != known:
                raise DisturbedError(f"stale: {name} was touched while it was read", _AGAIN)

    def _require(self, name: str) -> None:
        known, now = self._seen.get(name), look(self._root, name)
        if known == now and now[1]:
            return
        if contents.sha256(self._root / name) != self._digests[name]:
            raise StoreError(f"stale: {name} changed while it was read", _AGAIN)
        self._seen[name] = now


_AGAIN = "bring the data back as it was and run the command again: what was done before the change is kept"


def look(root: Path, name: str) -> Seen:
    """Return what the system says of a file."""
    if contents.is_remote(root):
        return remote_facts(name, evidence_now(root / name)), True
    began = time.time_ns()
    found = os.stat(root / name)  # noqa: PTH116 - as `Unit.token`
    return facts(name, found), rested(found.st_ctime_ns, began)


def look_at(root: Path, names: Sequence[str]) -> Mapping[str, Seen]:
    """Look at files; those that are not there are left out."""
    seen = {}
    if contents.is_remote(root):
        known = {name: contents.evidence(root / name) for name in names}
        return {name: (remote_facts(name, tag), True) for name, tag in known.items() if tag is not None}
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            seen[name] = look(root, name)
    return seen


def rested(changed: int, began: int) -> bool:
    """Whether a change after `began` would bear another time than the one before (ns since 1970)."""
    whole = changed % _SECOND == 0  # there are file systems that count whole seconds, or every other
    return began - changed > (2 * _SECOND if whole else _TICK)


_SECOND = 1_000_000_000
_TICK = 20_000_000  # the clock of file times goes in steps of up to 10 ms
