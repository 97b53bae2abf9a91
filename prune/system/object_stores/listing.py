"""An address made into names on this machine: what it stands for is listed, and each object gets its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from prune.core.errors import DataError, OptionError
from prune.core.redaction import has_secrets, without_secrets
from prune.system.object_stores import http, mirror
from prune.system.object_stores.mirror import ObjectFacts
from prune.system.object_stores.requests import fetch, listed, look_beside, look_up, scheme_in

_SIGNS = re.compile(r"[*?\[{]")


def mirrored(address: str, named: Iterable[str] = ()) -> Path:
    """List what an address stands for; return its name on this machine, a pattern where it is one.

    Parameters
    ----------
    address
        Of an object, a folder, or a glob or brace pattern.
    named
        The addresses that braces stand for, for servers that cannot be listed.

    Raises
    ------
    DataError
        It cannot be listed, or has a name that no file can have.
    OptionError
        It holds a password or a token, or stands for what cannot be listed.
    """
    named = list(named)
    require_plain(address)
    for one in named:
        _require_nameable(one.rstrip("/"))
    path = mirror.path_of(address)
    if scheme_in(address) in http.SCHEMES:
        _note_named(address, named)
        return path
    fixed = _SIGNS.split(address)[0]
    single = fixed == address and not address.endswith("/")
    facts = look_up(address) if single and len(path.relative_to(mirror.cache_home()).parts) > 3 else None
    if facts is not None:
        _clear(path)
        _note(path, facts)
        _note_beside([address])
    else:
        folder = fixed if fixed == address else fixed.rpartition("/")[0]
        if folder.endswith(":/"):
            raise OptionError(f"{address} names no bucket: a pattern stands for what lies in one", _BUCKET)
        _note_all(folder, list(listed(folder)))
    return path


def is_unfinished(path: Path) -> bool:
    """Whether an export is being sent to a folder of objects, or was until somebody stopped it."""
    folders = [path / _EXPORT[0], path.with_name(f"{path.name}{_EXPORT[1]}")]
    if _SIGNS.search(path.name):  # a pattern: its folder was listed
        folders.append(path.parent / _EXPORT[0])
    return any((folder / UNFINISHED).is_file() for folder in folders)


UNFINISHED = "upload.json"  # says which files an export will have, while they are sent


_BUCKET = "write the name of the bucket out: s3://BUCKET/shard-*.tar"


def require_plain(address: str) -> None:
    """Refuse an address that holds a secret, or leads elsewhere as a name here; no server is asked.

    Raises
    ------
    DataError
        Parts of it are empty, `.` or `..`: what stands for it here would lie outside of the cache.
    OptionError
        It holds a password or a token.
    """
    if has_secrets(address):
        plain, _, behind = address.partition("?")
        if "=" in behind or "#" in behind or has_secrets(plain):
            raise OptionError(
                f"{without_secrets(address)} was named with a password or a token",
                "give credentials by the environment: nothing of them is kept or shown then",
            )
        raise OptionError(
            f"a ? stands behind {without_secrets(address)}, and what is behind one in an address is a query",
            "write * or [0-9] where one character may be any",
        )
    _require_nameable(address.rstrip("/"))


def seen_again(path: Path) -> ObjectFacts:
    """Ask what an object is now, and note it.

    Raises
    ------
    FileNotFoundError
        It is gone.
    """
    facts = look_up(mirror.address_of(path))
    if facts is None:
        mirror.forget(path)
        raise FileNotFoundError(path)
    _note(path, facts)
    return facts


def _note(path: Path, facts: ObjectFacts) -> None:
    """Note an object; what describes a dataset is fetched at once, so that it can be read as any file is."""
    if mirror.is_noted(path, facts):
        return
    describes = path.name in _DESCRIBING or path.parent.name.endswith(_EXPORT)
    data = fetch(mirror.address_of(path), 0, facts.size, facts) if describes and facts.size <= _MOST else None
    mirror.note(path, facts, data)


_CLASS_NAMES = "classnames.txt"
_DESCRIBING = {"dataset_dict.json", "dataset_info.json", "state.json", _CLASS_NAMES}
_EXPORT = (".prune-export", ".prune")  # ends of the folder in which an export describes itself
_MOST = 64 << 20  # bytes of a description


def _note_named(address: str, named: list[str]) -> None:
    if address.endswith("/") or any(sign in address for sign in "*?["):
        what = f"{address} names no single file, and a web server does not list its folders"
        raise OptionError(
            what, "name the files: one, or several in braces, https://host/shard-{000..099}.tar"
        )
    _note_beside(named or [address])
    for one in named or [address]:
        facts = look_up(one)
        if facts is None:
            mirror.forget(mirror.path_of(one))
        else:
            _note(mirror.path_of(one), facts)


def _note_beside(shards: list[str]) -> None:
    """Note what describes shards that are named one by one, and not with their folder."""
    for folder in dict.fromkeys(shard.rpartition("/")[0] for shard in shards if shard.endswith(".tar")):
        beside = f"{folder}/{_CLASS_NAMES}"
        facts = look_beside(beside)
        if facts is None:
            mirror.forget(mirror.path_of(beside))
        else:
            _note(mirror.path_of(beside), facts)


def _note_all(folder: str, found: list[tuple[str, ObjectFacts]]) -> None:
    """Give all objects of a folder their names; take those of objects that are gone."""
    root = mirror.path_of(folder)
    names = {}
    for address, facts in found:
        _require_nameable(address)
        names[mirror.path_of(address)] = facts
    if names and root.is_file():
        mirror.forget(root)
    for gone in [path for path in _files_below(root) if path not in names]:
        mirror.forget(gone)
    for path, facts in names.items():
        _note(path, facts)


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if not mirror.is_being_noted(name))


def _clear(path: Path) -> None:
    """Take the names of what lay in a folder that is an object now."""
    for gone in list(_files_below(path)):
        mirror.forget(gone)
    for parent, _, _ in list(os.walk(path, topdown=False)):
        Path(parent).rmdir()


def _require_nameable(address: str) -> None:
    parts = address.partition("://")[2].split("/")
    if any(part in {"", ".", ".."} or "\0" in part or len(part.encode()) > 255 for part in parts):
        what = f"the name of {address} cannot be that of a file"
        raise DataError(what, "give the object another name, or name the folder of the others")
