"""A command that goes on when it is typed again: the store knows its dataset, or the words name it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from prune.core.option_words import option_words, whole_path
from prune.steps.holdout import DRAWN
from prune.store import Store
from prune.store.layout import LOCATION
from prune.system import files
from prune.system.checksummed_json import sealed


def with_dataset(
    store: Store, command: str, location: Mapping[str, Any], kept: Mapping[str, Any], *, refresh: bool
) -> str:
    """Return a command with its dataset, where the store shows another one until the command ends.

    Parameters
    ----------
    location
        Where the dataset lies, and how it is read.
    kept
        The same, as the store will remember it.
    """
    if not store.exists():
        return command  # it is remembered from the start: see below
    known = _known(store) == kept
    reading = {name: value for name, value in location["reading"].items() if name != DRAWN}
    words = [] if known else [*option_words(reading), whole_path(location["data"])]
    return " ".join([command, *([shlex.join(words)] if words else []), *(["--refresh"] if refresh else [])])


def _known(store: Store) -> dict[str, Any]:
    try:
        return files.read_record(store.path / LOCATION)
    except (OSError, ValueError):
        return {}


def place_remembered(store: Store, kept: Mapping[str, Any]) -> Callable[[], None]:
    """Write down where the dataset lies, before it is scanned, where nothing is shown of another one.

    Returns
    -------
    callable
        Puts back what was there: where the dataset cannot be read, nothing was begun.
    """
    path = store.path / LOCATION
    if store.exists():
        return lambda: None
    before = path.read_bytes() if path.is_file() else None
    files.write_json(path, sealed(kept))

    def forget() -> None:
        if before is None:
            files.remove(path)
        else:
            files.write(path, before)

    return forget
