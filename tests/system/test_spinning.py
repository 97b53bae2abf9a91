"""How long threads of libraries spin is bounded before they are loaded, but never over the user's word."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from prune.system import spinning
from prune.system.spinning import bound_spinning

SPIN = {"GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OPENBLAS_THREAD_TIMEOUT"}
COUNTS = {"OMP_NUM_THREADS", "NUMBA_NUM_THREADS"}


@pytest.mark.parametrize("quota", [None, 1])
def test_every_wait_is_bounded_and_threads_are_counted_where_there_is_a_quota(
    monkeypatch: pytest.MonkeyPatch, quota: int | None
) -> None:
    monkeypatch.setattr(spinning, "quota_of", lambda: quota)
    monkeypatch.setattr(spinning, "core_count", lambda: 1)
    around: dict[str, str] = {}
    bound_spinning(around)
    assert set(around) == (SPIN if quota is None else SPIN | COUNTS)
    assert {around.get(name, "1") for name in COUNTS} == {"1"}


@pytest.mark.parametrize("name", sorted(SPIN | COUNTS | {"OMP_WAIT_POLICY"}))
@pytest.mark.parametrize("said", ["7", ""])
def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setattr(spinning, "quota_of", lambda: 1)
    around = {name: said}
    bound_spinning(around)
    assert around[name] == said


def test_who_chose_how_openmp_waits_has_chosen_it() -> None:
    around = {"OMP_WAIT_POLICY": "ACTIVE"}
    bound_spinning(around)
    assert around.keys() & {"GOMP_SPINCOUNT", "KMP_BLOCKTIME"} == set()


@pytest.mark.parametrize("code", ["import prune; prune.Store", "from prune import score"])
def test_the_bounds_are_there_before_a_library_is_loaded(code: str) -> None:
    program = f"""
import os, sys, builtins
loaded, real = [], builtins.__import__
def watch(name, *rest, **words):
    if name.split(".")[0] in ("numpy", "torch", "numba", "faiss") and not loaded:
        loaded.append(os.environ.get("GOMP_SPINCOUNT"))
    return real(name, *rest, **words)
builtins.__import__ = watch
{code}
print(loaded)
"""
    around = {name: value for name, value in os.environ.items() if name not in SPIN}
    done = subprocess.run(
        [sys.executable, "-c", program], env=around, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['10000']"
