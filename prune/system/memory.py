"""How much memory a search may use: what the user allowed, else half of what is free."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from prune.core.errors import OptionError

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_FALLBACK = 2 * 2**30  # where the system does not tell
_LEAST = 64 * 2**20  # below this no block of rows fits beside another


def parse_memory(text: str) -> int:
    """Read `4G`, `512M` or a number of bytes.

    Raises
    ------
    OptionError
        It is neither, or less than 64 MiB.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise OptionError(f"--max-memory {text} is not a size", "--max-memory 4G")
    size = int(float(found[1]) * _UNITS[found[2]])
    if size < _LEAST:
        raise OptionError(f"--max-memory {text} is less than 64M", "--max-memory 4G")
    return size


def default_memory() -> int:
    """Half of the memory that is free now, in bytes; a container's limit counts."""
    return max(free_memory() // 2, _LEAST)


def free_memory() -> int:
    """Return the memory that is free now, in bytes; a container's limit counts."""
    free = [size for size in (_available(), _container()) if size is not None]
    return min(free, default=2 * _FALLBACK)


def held_memory() -> int:
    """Return the memory that this process holds now, in bytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource

        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return kilobytes if sys.platform == "darwin" else kilobytes * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes that this process holds now; where the system does not tell, the most that it ever held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of macOS in bytes


def _available() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        pages = os.sysconf("SC_PHYS_PAGES") if "SC_PHYS_PAGES" in os.sysconf_names else None
        return None if pages is None else pages * os.sysconf("SC_PAGE_SIZE")
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return None if found is None else int(found[1]) * 1024


def _container() -> int | None:
    root = Path("/sys/fs/cgroup")
    try:
        return int((root / "memory.max").read_text()) - int((root / "memory.current").read_text())
    except (OSError, ValueError):  # no such file, or the word max
        return None
