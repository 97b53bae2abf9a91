"""Blocks of objects, kept on this machine up to a bound: those read longest ago go first.

A block is known by its object's address, size and evidence, so that one of an object that changed is never
found again. It holds its own checksum: what a disk has damaged is fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from prune.core.errors import OptionError
from prune.system import files, locks
from prune.system.object_stores.mirror import ObjectFacts

BLOCK = 1 << 20  # bytes
_DEFAULT = "10G"
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SUM = 4  # bytes behind those of a block
_UNSEEN = 32  # of what may be kept, the part that is written between two counts: others write there, too
_IN_USE = 3600  # seconds that a copy of a whole object is left to who asked for it


def cache_bound() -> int:
    """Return how many bytes may be kept: `PRUNE_CACHE_SIZE`, else 10 GB; 0 keeps nothing.

    Raises
    ------
    OptionError
        It is no size.
    """
    text = os.environ.get("PRUNE_CACHE_SIZE") or _DEFAULT
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise OptionError(f"PRUNE_CACHE_SIZE is {text!r}, which is not a size", "export PRUNE_CACHE_SIZE=20G")
    return int(float(found[1]) * _UNITS[found[2]])


class BlockCache:
    """What is kept below a folder; one object for a process and a folder, shared by its threads."""

    def __init__(self, home: Path) -> None:
        self._blocks, self._copies, self._exports = home / "blocks", home / "copies", home / "exports"
        self._lock = threading.Lock()
        self._held: int | None = None  # bytes, as counted last, and what was written since
        self._since = 0  # bytes of these

    def get(self, address: str, facts: ObjectFacts, number: int) -> bytes | None:
        """Return a block, or None where it is not at hand."""
        path = self._path(address, facts, number)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        body = data[:-_SUM]
        if zlib.crc32(body).to_bytes(_SUM, "little") != data[-_SUM:]:
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):  # what was read lately stays longest
            os.utime(path)
        return body

    def put(self, address: str, facts: ObjectFacts, number: int, body: bytes) -> None:
        """Keep a block, if there is room for any; a full disk only means that it is fetched again."""
        bound = cache_bound()
        if len(body) + _SUM > bound:
            return
        path = self._path(address, facts, number)
        beside = path.with_name(f".{secrets.token_hex(8)}.tmp")
        with self._lock, contextlib.suppress(OSError):
            self._make_room(bound - len(body) - _SUM)
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                beside.write_bytes(body + zlib.crc32(body).to_bytes(_SUM, "little"))
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            self._held = (self._held or 0) + len(body) + _SUM
            self._since += len(body) + _SUM

    def make_room(self) -> None:
        """Hold the bound, also of exports that were made to be sent, and never were."""
        with self._lock:
            self._held = None
            self._make_room(cache_bound())

    def _make_room(self, bound: int) -> None:
        """Remove what was read longest ago, until what is left is below the bound, and by a tenth more."""
        if self._held is not None and self._held <= bound and self._since <= bound // _UNSEEN:
            return
        found = sorted(self._files())
        held = sum(size for _, size, _ in found)
        least = bound if held <= bound else bound * 9 // 10
        for _, size, path in found:
            if held <= least:
                break
            with contextlib.suppress(OSError):
                if path.is_dir():
                    files.remove_tree(path)
                else:
                    path.unlink()
            held -= size
        self._held, self._since = held, 0

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        for path in self._blocks.glob("*/*/*"):
            with contextlib.suppress(OSError):
                seen = path.stat()
                yield seen.st_mtime_ns, seen.st_size, path
        for path in self._copies.glob("*/*"):
            with contextlib.suppress(OSError):
                seen = path.stat()
                if time.time() - seen.st_mtime > _IN_USE:
                    yield seen.st_mtime_ns, seen.st_size, path
        for path in self._exports.glob("*"):
            with contextlib.suppress(OSError):
                found = [one.lstat() for one in (path, *path.rglob("*"))]
                latest = max(seen.st_mtime_ns for seen in found)
                if time.time() - latest / 1e9 > _IN_USE and not locks.is_held(path):
                    yield latest, sum(seen.st_size for seen in found), path

    def _path(self, address: str, facts: ObjectFacts, number: int) -> Path:
        known = f"{address}\0{facts.evidence}\0{facts.size}\0{BLOCK}"
        name = hashlib.sha256(known.encode()).hexdigest()[:32]
        return self._blocks / name[:2] / name[2:] / str(number)
