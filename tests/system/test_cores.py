"""The cores of this process: what the affinity mask, the control group and the user leave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prune.system import cores
from prune.system.cores import core_count, quota_of, thread_count


def system(home: Path, groups: str, **limits: str) -> tuple[Path, Path]:
    """Make the files that a system would show; in names, `__` stands for a slash and `_of_` for a dot."""
    told, mounts = home / "cgroup", home / "fs"
    told.write_text(groups)
    for name, text in limits.items():
        path = mounts / name.replace("__", "/").replace("_of_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return told, mounts


def first(group: str, quota: int) -> dict[str, str]:
    """Return the limits as version 1 of control groups shows them."""
    return {f"{group}__cpu.cfs_quota_us": f"{quota}\n", f"{group}__cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("groups", "limits", "cores"),
    [
        ("0::/\n", {"cpu_of_max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu_of_max": "max 100000\n"}, None),
        ("0::/\n", {"cpu_of_max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu_of_max": "10000 100000\n"}, 1),
        ("0::/\n", {}, None),
        ("0::/a/b\n", {"a__b__cpu_of_max": "max 100000", "a__cpu_of_max": "300000 100000"}, 3),
        ("0::/a/b\n", {"a__b__cpu_of_max": "400000 100000", "a__cpu_of_max": "300000 100000"}, 3),
        ("0::/not/seen/from/here\n", {"cpu_of_max": "100000 50000"}, 2),
        ("0::/x\n", {"unified__x__cpu_of_max": "100000 100000"}, 1),
        ("3:cpu,cpuacct:/\n1:name=systemd:/\n", first("cpu", -1), None),
        ("3:cpu,cpuacct:/\n", first("cpu,cpuacct", 250_000), 3),
        ("3:cpu:/docker/7\n0::/\n", first("cpu", 50_000), 1),
        ("3:cpu:/g\n", first("cpu__g", 700_000), 7),
        ("3:cpuset:/\n", first("cpu", 100_000), None),
        ("0::/\n", {"cpu_of_max": "100000 0"}, None),
        ("0::/\n", {"cpu_of_max": "nonsense"}, None),
        ("", {"cpu_of_max": "100000 100000"}, None),
    ],
)  # fmt: skip
def test_the_quota_of_a_control_group_and_of_those_above_it(
    tmp_path: Path, groups: str, limits: dict[str, str], cores: int | None
) -> None:
    assert quota_of(*system(tmp_path, groups, **limits)) == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity mask")
def test_the_mask_counts_and_a_quota_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    nothing = tmp_path / "nothing"
    assert core_count(nothing, nothing) == 6
    assert core_count(*system(tmp_path, "0::/\n", cpu_of_max="400000 100000")) == 4
    assert core_count(*system(tmp_path, "0::/\n", cpu_of_max="6400000 100000")) == 6


@pytest.mark.parametrize(
    ("said", "count"), [("1", 1), ("9", 9), ("3,1", 3), (" 2 ", 2), ("0", 5), ("", 5), ("many", 5), ("-1", 5)]
)
def test_threads_are_as_many_as_the_user_says_or_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch, said: str, count: int
) -> None:
    monkeypatch.setattr(cores, "core_count", lambda: 5)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert thread_count() == count


def test_without_a_word_of_the_user_there_are_as_many_threads_as_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert thread_count() == core_count()
