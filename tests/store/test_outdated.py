"""A score of another training than what lies beside it is told by status and select, until it follows."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.steps.report.status import status
from prune.store import Store

QUICK = {"proxy": "mlp", "epochs": 2, "size": 8}


@pytest.fixture
def retrained(images: Path, elsewhere: Path) -> Store:
    """`el2n` and `grad_norm` of two epochs, `loss` of three."""
    pipeline.score("my store", str(images), types=["el2n", "grad_norm", "loss"], training=QUICK)
    assert status(Store("my store"))["outdated"] == {}
    pipeline.score("my store", types=["loss"], training={"epochs": 3})
    return Store("my store")


def test_status_names_them_and_what_it_advises_mends(retrained: Store, prune: Callable[..., Any]) -> None:
    assert status(retrained)["outdated"] == {"score.el2n": "trace.0", "score.grad_norm": "grad_norm.0"}
    lines = [line for line in prune("status", "--store", "my store").out.splitlines() if "stale" in line]
    assert [line.split(",")[0] for line in lines] == ["stale: score.el2n", "stale: score.grad_norm"]
    words = shlex.split(lines[0], comments=False)
    assert prune(*words[words.index("prune") + 1 :]).code == 0
    assert status(retrained)["outdated"] == {}


def test_a_selection_says_so_also_where_nothing_changed(retrained: Store, prune: Callable[..., Any]) -> None:
    asked = ["select", "--store", "my store", "--method", "top", "--fraction", "0.5", "--score"]
    again = "prune score --store 'my store' --type el2n"
    told = f"chosen by score.el2n as it was before trace.0 was made again; {again} follows"
    assert told in prune(*asked, "el2n").err
    assert told in prune(*asked, "el2n").err
    assert "made again" not in prune(*asked, "loss").err


def test_what_is_typed_for_another_store_makes_that_store(
    images: Path, elsewhere: Path, prune: Callable[..., Any]
) -> None:
    for verb in ("status", "select", "export", "gc", "verify"):
        more = {"select": ["--fraction", "0.3"], "export": ["--format", "manifest"]}.get(verb, [])
        said = prune(verb, "--store", "elsewhere/s", *more)
        assert said.code == 4
        assert "try:   prune score --store elsewhere/s --type el2n DATA   # or" in said.err
    pipeline.embed("elsewhere/s", str(images), encoder="pixels")
    missing = [
        line for line in prune("status", "--store", "elsewhere/s").out.splitlines() if "missing" in line
    ]
    assert [line.count("--store elsewhere/s") for line in missing] == [1, 1]
