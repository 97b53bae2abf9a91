"""How many cores this process may use: by the affinity mask and the cgroup's quota, not by the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_CGROUP = Path("/proc/self/cgroup")  # one line a hierarchy: number:controllers:path
_MOUNTS = Path("/sys/fs/cgroup")
_UNIFIED = ("", "unified")  # where version 2 may be mounted, below that
_CPU = ("cpu", "cpu,cpuacct", "cpuacct,cpu")  # and version 1


def core_count(cgroup: Path = _CGROUP, mounts: Path = _MOUNTS) -> int:
    """Return how many cores this process may keep busy, at least 1; part of a core counts as one.

    Parameters
    ----------
    cgroup, mounts
        Where the system tells which control group this is, and what that may use.
    """
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = quota_of(cgroup, mounts)
    return able if quota is None else max(1, min(able, quota))


def thread_count() -> int:
    """Return how many threads may compute: `OMP_NUM_THREADS`, or as many as there are cores for us."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(said) if said.isdecimal() and int(said) > 0 else core_count()


def quota_of(cgroup: Path = _CGROUP, mounts: Path = _MOUNTS) -> int | None:
    """Return how many cores the group, and those it is in, leave it: rounded up; None without a limit."""
    limits = [limit for folder in _folders(cgroup, mounts) if (limit := _limit(folder)) is not None]
    return min(limits, default=None)


def _folders(cgroup: Path, mounts: Path) -> Iterator[Path]:
    """Yield the folders of our groups and of all above them, as far as they can be seen from here."""
    for line in _read(cgroup).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        unified = number == "0" and not controllers
        if not unified and "cpu" not in controllers.split(","):
            continue
        inside = PurePosixPath(path.lstrip("/"))
        for mount in _UNIFIED if unified else _CPU:
            for group in (inside, *inside.parents):  # a container may see its own group as the root
                yield mounts / mount / group


def _limit(folder: Path) -> int | None:
    """Return the cores of one group: `cpu.max` of version 2, quota and period of version 1."""
    words = _read(folder / "cpu.max").split()
    if not words:
        words = (_read(folder / "cpu.cfs_quota_us") + " " + _read(folder / "cpu.cfs_period_us")).split()
    if len(words) != 2 or not all(word.isdecimal() for word in words):  # the words max and -1: no limit
        return None
    quota, period = map(int, words)
    return None if not period else max(1, -(-quota // period))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
