"""Commands that were begun and did not end: what they were asked, and how far their columns are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.column_name import TRACE, ColumnName
from prune.core.errors import NoLabelsError, OptionError, PruneError, StoreError
from prune.core.redaction import without_secrets
from prune.store.column_json import known_recipe
from prune.store.layout import BEGUN, COLUMN, COLUMNS, STOPPED
from prune.store.write_lock import tell_holder
from prune.system import files
from prune.system.checksummed_json import sealed

_SENSELESS = (OptionError, NoLabelsError, StoreError)


@dataclass
class Note:
    """That a command was begun."""

    forgotten_on: tuple[type[PruneError], ...] = _SENSELESS

    def has_work(self, *, yet: bool) -> None:
        """Say whether there is something by now that the same command would go on with."""
        self.forgotten_on = _SENSELESS if yet else (PruneError,)


@contextlib.contextmanager
def noted(store: Path, verb: str, command: str) -> Iterator[Note]:
    """Keep in a store what is being done, until it is done. For the holder of the lock.

    A command that makes no sense, or that the store refuses, is not begun; one that ends in another way can
    be gone on with.
    """
    before, note = begun(store), Note()
    tell_holder(store, verb)
    _write(store, {**before, verb: without_secrets(command)})
    try:
        yield note
    except PruneError as error:
        if isinstance(error, note.forgotten_on):
            _write(store, before)
        raise
    _write(store, _without(before, verb))


def ended(store: Path, verb: str) -> None:
    """Forget a command that had all done when it was interrupted. For the holder of the lock."""
    before = begun(store)
    if verb in before:
        _write(store, _without(before, verb))


def _without(commands: Mapping[str, str], verb: str) -> dict[str, str]:
    return {name: words for name, words in commands.items() if name != verb}


def begun(store: Path) -> dict[str, str]:
    """Return the commands that did not end, by verb."""
    try:
        known = files.read_record(store / BEGUN).items()
    except (OSError, ValueError):
        return {}
    return {verb: words for verb, words in known if isinstance(words, str) and words.startswith("prune ")}


def _write(store: Path, commands: Mapping[str, str]) -> None:
    path = store / BEGUN
    if commands:
        files.write_json(path, sealed(commands))
    elif path.exists():
        files.remove(path)


@dataclass(frozen=True)
class Unfinished:
    """A column that a command began."""

    name: str
    folder: Path
    recipe: Mapping[str, Any]
    done: int  # parts that are there
    of: int | None  # None: not known before there is one

    def __str__(self) -> str:
        noun = "epoch" if ColumnName(self.name).kind == TRACE else "part"
        if not self.done or self.of is None:
            return f"{self.name} is begun"
        return f"{self.name}: {noun} {self.done} of {self.of}"


def unfinished(store: Path, n: int | None) -> list[Unfinished]:
    """Return the columns that were begun and are not finished, but for those left open on purpose.

    Parameters
    ----------
    n
        Samples of the dataset, if that is known.
    """
    found = []
    for folder in sorted((store / COLUMNS).glob("*/*/")):
        if (folder / COLUMN).exists() or any(folder.glob(f"{STOPPED}-*")):
            continue
        recipe = known_recipe(folder) or {}
        parts = sorted(folder.glob("part-*"))
        found.append(Unfinished(folder.parent.name, folder, recipe, len(parts), _parts(recipe, parts, n)))
    return found


def _parts(recipe: Mapping[str, Any], parts: list[Path], n: int | None) -> int | None:
    training = recipe.get("training")
    if isinstance(training, dict) and "epochs" in training:
        return int(training.get("stop") or training["epochs"])
    rows = _rows(parts[0]) if parts else 0
    return None if n is None or not rows else -(-n // rows)


def _rows(part: Path) -> int:
    try:
        with part.open("rb") as file:
            np.lib.format.read_magic(file)
            return int(np.lib.format.read_array_header_1_0(file)[0][0])
    except (OSError, ValueError, IndexError):
        return 0
