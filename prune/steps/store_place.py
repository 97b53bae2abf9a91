"""The store never lies where it would be taken for data: not in the dataset, nor among class folders."""

from __future__ import annotations

import itertools
import os
import shlex
from pathlib import Path

from prune.core.errors import StoreError
from prune.core.progress import Reporter
from prune.modalities.image.suffixes import IMAGE_SUFFIXES
from prune.readers import Reader
from prune.store import Store
from prune.store.default_place import DEFAULT, beside
from prune.system.local_paths import real

_LOOKED_AT = 256  # entries of a folder


def place_store(store: Store, reader: Reader, data: str, reporter: Reporter) -> None:
    """Move a new default store beside a class root that one stands in; refuse one in the dataset.

    Raises
    ------
    StoreError
        The store would be a visible part of the dataset, or a folder among those of classes.
    """
    root = real(reader.root)
    if reader.format != "imagefolder" or not real(store.path).is_relative_to(root):
        require_apart(store.path, data)
    elif store.exists():
        require_apart(store.path, data)
        reporter.say(_in_the_way(store.path, root))
    elif store.path != DEFAULT:
        raise StoreError(f"the store {store.path} would lie in the dataset {data}", _elsewhere(root))
    else:
        store.path = _beside(root, data)
        reporter.say(f"the store is {store.path}: in {data} it would be a class; commands typed here find it")


def _beside(root: Path, data: str) -> Path:
    place_ = beside(root)
    if place_ is None or _is_class_root(root.parent, root):
        what = f"the store would be a folder among those of classes, in {data} or beside it"
        raise StoreError(what, _elsewhere(root))
    return Path(os.path.relpath(place_, real(Path())))


def _elsewhere(root: Path) -> str:
    """Return an option that names a place outside of the dataset, as seen from here."""
    while root.name and _is_class_root(root.parent, root):
        root = root.parent
    place_ = beside(root) or Path("/var/tmp/prune")
    return f"add --store {shlex.quote(os.path.relpath(place_, real(Path())))}"


def _is_class_root(folder: Path, but: Path) -> bool:
    """Whether another folder in this one holds images: then its folders are classes."""
    return any(
        _holds_images(path) for path in _entries(folder) if path != but and not path.name.startswith(".")
    )


def _holds_images(folder: Path) -> bool:
    names = (path.name.rpartition(".")[2].lower() for path in _entries(folder))
    return any(suffix in IMAGE_SUFFIXES for suffix in names)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(itertools.islice(folder.iterdir(), _LOOKED_AT))
    except OSError:  # a file, or a folder that may not be entered
        return []


def _in_the_way(store: Path, root: Path) -> str:
    new = beside(root)
    move = shlex.join(["mv", str(store), os.path.relpath(new, real(Path()))]) if new else "move it away"
    return f"{store} lies in the dataset, where libraries take it for a class: {move}"


def require_apart(store: Path, data: str) -> None:
    """Refuse a visible store inside the dataset: the next scan would take it for data."""
    place_, root = real(store), real(Path(data))
    inside = place_.is_relative_to(root) and place_ != root and root.is_dir()
    if inside and not any(part.startswith(".") for part in place_.relative_to(root).parts):
        raise StoreError(
            f"the store {store} would lie in the dataset {data}", "choose another place with --store"
        )
