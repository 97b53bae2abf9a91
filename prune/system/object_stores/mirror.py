"""The names of objects on this machine: an empty file of the same size for each, and beside it what is known.

So that a folder of a bucket is walked, globbed and looked at as any folder is; what an object holds is read
through `prune.system.contents`, and nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from prune.core.errors import DataError
from prune.core.object_names import HOME, NAMES

_FACTS = f"/{HOME}/facts/"


@dataclass(frozen=True)
class ObjectFacts:
    """What a store says of an object: while its evidence is the same, so are its bytes."""

    size: int
    evidence: str  # its ETag, else its size with the time of its last change


def cache_home() -> Path:
    """Return the folder of all that is kept of objects: `PRUNE_CACHE`, else the user's cache folder."""
    named = os.environ.get("PRUNE_CACHE")
    if named:
        return Path(os.path.abspath(named)) / HOME  # noqa: PTH100 - names stay as they were typed
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prune" / HOME


def path_of(address: str) -> Path:
    """Return the name of an object, or of a folder or pattern of them, on this machine."""
    scheme, _, rest = address.partition("://")
    return cache_home() / "names" / scheme / rest.strip("/")


def address_of(path: Path) -> str:
    """Return the address of an object by its name on this machine."""
    scheme, _, rest = str(path).partition(NAMES)[2].partition("/")
    return f"{scheme}://{rest}"


def home_of(path: Path) -> Path:
    """Return the folder of all that is kept, of an object's name: a worker process need not be told."""
    return Path(str(path).partition(NAMES)[0]) / HOME


def known(path: Path) -> ObjectFacts:
    """Return what is known of an object.

    Raises
    ------
    FileNotFoundError
        It is not one that was listed.
    """
    return ObjectFacts(**json.loads(_facts_of(path).read_bytes()))


def is_noted(path: Path, facts: ObjectFacts) -> bool:
    """Whether an object has its name, and the same is known of it."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return known(path) == facts and path.stat().st_size == facts.size
    return False


def note(path: Path, facts: ObjectFacts, data: bytes | None = None) -> None:
    """Give an object its name, with what is known of it, and what it holds where that is given.

    Raises
    ------
    DataError
        Names of objects get in each other's way, or the disk takes no more.
    """
    try:
        _facts_of(path).unlink(missing_ok=True)
        for folder in (path.parent, _facts_of(path).parent):
            folder.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as beside, beside.open("wb") as file:
            file.write(data or b"")
            file.truncate(facts.size)
        with _replacing(_facts_of(path)) as beside:  # last: what is known of an object is there whole
            beside.write_text(json.dumps(asdict(facts)))
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        what = f"{address_of(path)} has a name that is also a folder's, or lies below an object"
        raise DataError(what, "rename one of them: as files they could not lie side by side") from error
    except OSError as error:
        what = f"the cache {home_of(path)} takes no more: {str(error.strerror).lower()}"
        raise DataError(what, "export PRUNE_CACHE=DIR   # another place for it") from error


def is_being_noted(name: str) -> bool:
    """Whether a name is that of a file which another command is about to put in its place."""
    return _BESIDE.fullmatch(name) is not None


_BESIDE = re.compile(r"\.[0-9a-f]{16}\.tmp")


def forget(path: Path) -> None:
    """Remove the name of an object that is gone."""
    path.unlink(missing_ok=True)
    _facts_of(path).unlink(missing_ok=True)


def _facts_of(path: Path) -> Path:
    before, _, behind = str(path).partition(NAMES)
    return Path(f"{before}{_FACTS}{behind}.json")


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
