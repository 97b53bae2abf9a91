"""A schedule whose writing was killed anywhere is the same when it is written again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prune as library

from .test_export import _export, store

__all__ = ["store"]  # a fixture


def test_a_run_that_is_killed_leaves_nothing_half_and_the_next_the_same_bytes(
    store: library.Store, faulty: Callable[..., Any], killed: type[BaseException]
) -> None:
    _export(store, epochs=5)
    whole = {path.name: path.read_bytes() for path in Path("out").glob("schedule.*")}
    for at in range(1, 100):
        shutil.rmtree("out", ignore_errors=True)
        disk = faulty("kill", at)
        try:
            _export(store, epochs=5)
        except killed:
            assert not Path("out").exists() or {p.name for p in Path("out").glob("schedule.*")} == set(whole)
        disk = faulty("none")
        _export(store, epochs=5)
        assert {path.name: path.read_bytes() for path in Path("out").glob("schedule.*")} == whole
        if len(disk.calls) < at:
            break
