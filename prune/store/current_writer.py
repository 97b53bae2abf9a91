"""Which command writes to a store at this moment: by its lock, which is free as soon as the command ends."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from prune.store.layout import LOCK
from prune.system import locks


@dataclass(frozen=True)
class CurrentWriter:
    """A process that holds the lock of a store, as far as it said who it is."""

    host: str | None
    pid: int | None
    verb: str | None  # None: a training of one's own, or a version that did not tell

    def __str__(self) -> str:
        who = "another process" if self.verb is None else f"prune {self.verb}"
        return who if self.pid is None else f"{who} (pid {self.pid} on {self.host})"

    def described(self) -> dict[str, str | int | None]:
        """Return it for JSON."""
        return {"what": str(self), "verb": self.verb, "pid": self.pid, "host": self.host}

    @property
    def is_this_process(self) -> bool:
        """Whether it is we who hold it."""
        return (self.host, self.pid) == (socket.gethostname(), os.getpid())


def current_writer(store: Path) -> CurrentWriter | None:
    """Return who writes to a store, or None where nobody does, or where the file system has no locks."""
    path = store / LOCK
    if not locks.is_held(path):
        return None
    words = locks.read_mark(path)
    number = words[1] if len(words) > 1 and words[1].isdigit() else None
    if number is None:
        return CurrentWriter(None, None, None)
    return CurrentWriter(words[0], int(number), words[2] if len(words) > 2 else None)
