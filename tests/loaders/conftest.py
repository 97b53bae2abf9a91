"""The datasets of the readers' contract, a store of each, and a selection of some of its samples."""

from __future__ import annotations

import importlib.util
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import prune

KEPT = 5  # of nine samples


def _read_contract() -> types.ModuleType:
    path = Path(__file__).parent.parent / "readers" / "test_contract.py"
    spec = importlib.util.spec_from_file_location("readers_contract", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTRACT = _read_contract()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try each dataset of the contract where a test asks for `form`."""
    if "form" in metafunc.fixturenames:
        metafunc.parametrize("form", sorted(CONTRACT.MAKERS))


@pytest.fixture(scope="session")
def contract() -> types.ModuleType:
    """The tests that every reader passes: its table has a dataset of nine samples in each format."""
    return CONTRACT


@pytest.fixture(scope="session")
def chosen() -> Callable[..., prune.Store]:
    """Make a store beside a dataset, with a selection of some of its samples."""

    def choose(data: str, *, count: int = KEPT, method: str = "random", **about: Any) -> prune.Store:
        root = Path(data)
        store = prune.Store((root.parent if root.is_file() else root).parent / "store")
        if not store.exists():
            scan_into(store, data)
        prune.select(store, method=method, count=count, **about)
        return store

    return choose


def scan_into(store: prune.Store, data: str) -> None:
    """Let a store know a dataset, and nothing else of it: of texts and images alike."""
    from prune.steps.dataset_session import opened
    from prune.steps.settings import Settings

    with opened(store, data, Settings()) as ready:
        store.publish(dataset=ready.fingerprint)
