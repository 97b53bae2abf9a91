"""Where the default store lies: `./.prune`, or beside a folder of images that one stands in.

Libraries that read class folders count every folder as a class, hidden ones too: a store made while standing
in a dataset shifted its class ids. So `prune embed .` in `pets/` keeps its store in `../.pets.prune`, and
commands that are typed there without `--store` find it.
"""

from __future__ import annotations

import os
from pathlib import Path

from prune.store.layout import BEGUN, STATE
from prune.system.local_paths import real

DEFAULT = Path(".prune")


def beside(root: Path) -> Path | None:
    """Return where the store of a folder lies that is a class root; None for the top of the file system."""
    return root.with_name(f".{root.name}.prune") if root.name else None


def store_path(path: Path) -> Path:
    """Return the store that is meant: of the default one, the one beside a folder above, if none is here."""
    if path != DEFAULT or os.path.lexists(path):
        return path
    try:
        here = real(Path())
    except OSError:  # the folder that one stands in was removed
        return path
    places = filter(None, (beside(folder) for folder in (here, *here.parents)))
    place = next((place for place in places if _is_store(place)), None)
    return path if place is None else _as_typed(place, here)


def _is_store(place: Path) -> bool:
    """Whether it is one, or becomes one as soon as a command that was begun has ended."""
    return (place / STATE).is_file() or (place / BEGUN).is_file()


def _as_typed(place: Path, here: Path) -> Path:
    """Return a path from here that stays right where folders above are links."""
    return Path(os.path.relpath(place, here))
