"""What is asked of object stores: what lies in a folder, what an object is, and some of its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prune.core.errors import DataError
from prune.system.object_stores import http, retries, s3
from prune.system.object_stores.file_systems import file_system
from prune.system.object_stores.mirror import ObjectFacts

_EVIDENCE = ("ETag", "etag", "blob_id", "md5Hash", "sha256")
_CHANGED = ("LastModified", "Last-Modified", "last_modified", "updated", "mtime")


def scheme_in(address: str) -> str:
    """Return the scheme of an address."""
    return address.partition("://")[0]


def look_up(address: str) -> ObjectFacts | None:
    """Ask what an object is now; None where there is none."""
    system = file_system(scheme_in(address))
    ask = http.head if scheme_in(address) in http.SCHEMES else _info
    try:
        found = retries.POLICY.run(lambda: ask(system, address), address)
    except FileNotFoundError:
        return None
    return None if found.get("type") == "directory" else facts_of(address, found)


def look_beside(address: str) -> ObjectFacts | None:
    """Ask for an object that need not be there; None also where the store will not say.

    To who may not list a bucket, stores answer 403 for what is not there.
    """
    try:
        return look_up(address)
    except retries.RefusedError:
        return None


def listed(folder: str) -> Iterator[tuple[str, ObjectFacts]]:
    """Yield the addresses of all objects below a folder, with what each is; none where there is no folder."""
    scheme = scheme_in(folder)
    system = file_system(scheme)

    def ask() -> dict[str, Any]:
        system.invalidate_cache()
        found: dict[str, Any] = system.find(folder, detail=True)
        return found

    try:
        found = retries.POLICY.run(ask, folder)
    except FileNotFoundError:
        return
    for name, known in found.items():
        address = f"{scheme}://{name}"
        if known.get("type") == "file" and not name.endswith("/"):
            yield address, facts_of(address, known)


Asked = Callable[[Any, str, int, int, ObjectFacts], bytes]  # bytes of an object of a file system


def fetch(address: str, start: int, stop: int, facts: ObjectFacts) -> bytes:
    """Return the bytes [start, stop) of an object, which is the one of these facts.

    Raises
    ------
    DataError
        It is another one by now, is gone, or cannot be read.
    """
    if stop <= start:
        return b""
    system = file_system(scheme_in(address))
    ask: Asked = _ASKS.get(scheme_in(address), _cat)

    def whole() -> bytes:
        data = ask(system, address, start, stop, facts)
        if len(data) != stop - start:
            raise retries.CutShortError(f"{len(data)} bytes came of {stop - start}")
        return data

    try:
        return retries.POLICY.run(whole, address)
    except retries.ChangedObjectError as error:
        raise DataError(f"{address} changed while it was read", "run the command again") from error
    except FileNotFoundError as error:
        raise DataError(f"{address} is gone", "run the command again") from error


def _info(system: Any, address: str) -> dict[str, Any]:
    system.invalidate_cache()
    found: dict[str, Any] = system.info(address)
    return found


def facts_of(address: str, known: dict[str, Any]) -> ObjectFacts:
    """Return size and evidence.

    Raises
    ------
    DataError
        The store tells too little: nothing would show that an object changed.
    """
    size = known.get("size")
    if size is None:
        raise DataError(f"{address} does not tell its size", "copy the data to this machine first")
    large = known.get("lfs")
    tag = large.get("sha256") if isinstance(large, dict) else getattr(large, "sha256", None)
    tag = tag or next((known[name] for name in _EVIDENCE if known.get(name)), None)
    if tag is None:
        changed = next((known[name] for name in _CHANGED if known.get(name)), None)
        if changed is None:
            what = f"{address} tells neither an ETag nor when it changed: nothing shows that it is the same"
            raise DataError(what, "copy the data to this machine first")
        tag = f"changed {changed}"
    return ObjectFacts(int(size), f"{size} {tag}")


def _cat(system: Any, address: str, start: int, stop: int, facts: ObjectFacts) -> bytes:
    """Read where the store takes no condition: what it is afterwards tells what was read."""
    data: bytes = system.cat_file(address, start=start, end=stop)
    if facts_of(address, _info(system, address)) != facts:
        raise retries.ChangedObjectError(address)
    return data


def tag_in(facts: ObjectFacts) -> str | None:
    """Return the ETag of which the evidence is made; None where there is none."""
    tag = facts.evidence.partition(" ")[2]
    return None if tag.startswith("changed ") else tag


def _s3_bytes(system: Any, address: str, start: int, stop: int, facts: ObjectFacts) -> bytes:
    return s3.read(system, address, start, stop, tag_in(facts))


def _http_bytes(system: Any, address: str, start: int, stop: int, facts: ObjectFacts) -> bytes:
    data, told = http.read(system, address, start, stop)
    if facts_of(address, told) != facts:
        raise retries.ChangedObjectError(address)
    return data


_ASKS: dict[str, Asked] = {"s3": _s3_bytes, "http": _http_bytes, "https": _http_bytes}
