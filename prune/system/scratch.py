"""A folder for what a command needs while it runs, gone with it; `gc` removes what a killed one left."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prune.system.os_errors import writing


@contextmanager
def scratch_folder(place: Path) -> Iterator[Path]:
    """Make a folder in a folder, for as long as a block takes; return its whole path."""
    with writing(place):
        made = tempfile.TemporaryDirectory(prefix=".prune-", suffix=".tmp", dir=place)
    with made as name:
        yield Path(name).absolute()
