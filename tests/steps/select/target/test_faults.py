"""What a target is made of is kept where the making of it was killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune.store import Store

from .test_target import GRADIENTS, PIXELS, kept, permuted, target, times

__all__ = ["kept", "permuted"]  # fixtures


@pytest.mark.parametrize("column", [PIXELS, GRADIENTS])
def test_an_interruption_costs_nothing_that_was_finished(
    kept: Path, tmp_path: Path, permuted: Path, faulty: Callable[..., Any], killed: Any, column: str
) -> None:
    def fresh(name: str) -> Store:
        shutil.copytree(kept, tmp_path / name)
        return Store(tmp_path / name / "store")

    def hold(store: Store) -> None:
        with store.writing():  # as `select` does; clears what a killed writer left behind
            target(store, permuted, column)

    whole = fresh("whole")
    disk = faulty()
    hold(whole)
    for at in range(2, len(disk.calls), max(1, len(disk.calls) // 6)):
        store = fresh(f"killed-{at}")
        faulty("kill", at)
        with pytest.raises(killed):
            hold(store)
        faulty()
        hold(store)
        assert times(store.path).keys() == {p.replace("whole", f"killed-{at}") for p in times(whole.path)}
        for path in (whole.path / "targets").rglob("*"):
            if path.is_file() and path.name != "lock":
                assert (store.path / path.relative_to(whole.path)).read_bytes() == path.read_bytes()
