"""What a web server says of a file, and bytes of it: the file system of fsspec hides why it failed."""

from __future__ import annotations

from typing import Any

from prune.core.errors import DataError

SCHEMES = ("https", "http")
_NOT_FOUND = {404, 410}
_NO_HEAD = {400, 401, 403, 405, 501}  # also of links that are signed for reading alone
_PARTIAL, _NO_BYTES = 206, 416
_PLAIN = {"Accept-Encoding": "identity"}  # a body that is packed on the way has another length


def head(system: Any, address: str) -> dict[str, Any]:
    """Return size, ETag and time of the last change of a file.

    Some servers refuse such a question, or tell no size then: these are asked for the first byte instead.
    """
    from fsspec.asyn import sync

    async def ask() -> dict[str, Any] | None:
        session = await system.set_session()
        async with session.head(address, headers=_PLAIN, allow_redirects=True) as answer:
            size = answer.headers.get("Content-Length")
            if answer.status in _NO_HEAD or (answer.ok and size is None):
                return None
            _require_found(address, answer)
            return _told(answer, int(size))

    found: dict[str, Any] | None = sync(system.loop, ask)
    return read(system, address, 0, 1)[1] if found is None else found


def read(system: Any, address: str, start: int, stop: int) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes [start, stop) of a file, and what the same answer says of it."""
    from fsspec.asyn import sync

    async def ask() -> tuple[bytes, dict[str, Any]]:
        session = await system.set_session()
        asked = {**_PLAIN, "Range": f"bytes={start}-{stop - 1}"}
        async with session.get(address, headers=asked) as answer:
            if answer.status != _NO_BYTES:
                _require_found(address, answer)
            span = answer.headers.get("Content-Range", "")
            if answer.status == _NO_BYTES and span.startswith("bytes */"):  # of a file that is empty
                return b"", _told(answer, int(span.rpartition("/")[2]))
            if answer.status != _PARTIAL or not span.startswith(f"bytes {start}-"):
                what = f"{address} is on a server that gives no part of a file (no Range)"
                raise DataError(what, "copy the data to this machine first")
            size = span.rpartition("/")[2]
            told = _told(answer, int(size) if size.isdigit() else None)
            return await answer.read(), told

    return sync(system.loop, ask)


def _require_found(address: str, answer: Any) -> None:
    if answer.status in _NOT_FOUND:
        raise FileNotFoundError(address)
    answer.raise_for_status()


def _told(answer: Any, size: int | None) -> dict[str, Any]:
    known = {name: answer.headers[name] for name in ("ETag", "Last-Modified") if name in answer.headers}
    return {**known, "size": size}
