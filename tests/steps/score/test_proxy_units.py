"""Folds and runs of a proxy as units of work: the bytes of one process, and an epoch at most is lost."""

from __future__ import annotations

import json
import multiprocessing
import re
from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.errors import StoreError
from prune.proxy.train import Trainer
from prune.steps.score import proxy_units
from prune.system.executors.executor import ThisProcess
from tests.steps.test_units import ROOMY, Told, contents, one_worker_killed

FOLDS: dict[str, Any] = {"runs": 2, "cross_fit": 2}
ASKED: dict[str, Any] = {"types": ["el2n", "grad_norm"], "training": {"epochs": 2}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of three classes, and a store of folds that this process trained."""
    home = tmp_path_factory.mktemp("units")
    words = ["good", "bad", "fair"]
    texts = ({"text": f"a {words[i % 3]} text, number {i} of them", "label": words[i % 3]} for i in range(60))
    (home / "few.jsonl").write_text("".join(f"{json.dumps(text)}\n" for text in texts))
    score(home, home / "here", **FOLDS)
    return home


def score(home: Path, store: Path, *, settings: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    how = prune.Settings(device="cpu", memory=ROOMY, **(settings or {}))
    return prune.score(store, str(home / "few.jsonl"), **ASKED, **asked, settings=how)


def columns(store: Path) -> dict[str, bytes]:
    return contents(store / "columns")


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the little there is be worth a process."""
    monkeypatch.setattr(proxy_units, "_WORTH", dict.fromkeys(proxy_units._WORTH, 0))


@pytest.fixture
def apart(worth: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do units in this process, told what others would be told."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(proxy_units, "executor_for", lambda *_, **__: ThisProcess())
    proxy_units._session.cache_clear()


def test_folds_by_processes_of_which_one_is_killed(home: Path, tmp_path: Path, worth: None) -> None:
    told = Told()
    with one_worker_killed():
        made = score(home, tmp_path / "s", settings={"workers": 2, "reporter": told}, **FOLDS)
    assert columns(tmp_path / "s") == columns(home / "here")
    assert made["unchanged"] is False
    assert made["cost"]["proxy"]["seconds"] > 0
    assert made["cost"]["proxy"]["networks"] > 0
    assert any("2 processes train 4 proxies side by side, in about" in words for words in told.said)
    assert any("2 processes measure 4 parts side by side, in about" in words for words in told.said)
    (again,) = [words for words in told.said if "killed by signal 9" in words]
    assert re.search(r"does run [01]\.[01] of the proxy again$", again)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("asked", [{}, {"runs": 2}, {"on_fraction": "0.5"}])
def test_units_are_told_all_that_decides(
    home: Path, tmp_path: Path, asked: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    score(home, tmp_path / "one", **asked)
    request.getfixturevalue("apart")
    score(home, tmp_path / "s", settings={"workers": 1}, **asked)
    assert proxy_units._session.cache_info().misses == 1
    assert columns(tmp_path / "s") == columns(tmp_path / "one")


def test_a_proxy_goes_on_where_one_that_died_was(
    home: Path, tmp_path: Path, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []
    real = Trainer.epoch

    def epoch(self: Trainer, number: int, advance: Any) -> None:
        begun.append((self.run, number))
        if begun == [(0, 1), (0, 2)]:
            raise KeyboardInterrupt
        real(self, number, advance)

    monkeypatch.setattr(Trainer, "epoch", epoch)
    settings = {"workers": 1}
    with pytest.raises(KeyboardInterrupt):
        score(home, tmp_path / "s", settings=settings, **FOLDS)
    begun.append((9, 9))  # from here on nothing is interrupted
    del begun[:2]
    score(home, tmp_path / "s", settings=settings, **FOLDS)
    assert begun == [(9, 9), (0, 2), (0, 1), (0, 2), (1, 1), (1, 2), (1, 1), (1, 2)]
    assert columns(tmp_path / "s") == columns(home / "here")


def test_little_is_trained_here(home: Path, tmp_path: Path) -> None:
    told = Told()
    score(home, tmp_path / "s", settings={"workers": 2, "reporter": told}, **FOLDS)
    assert columns(tmp_path / "s") == columns(home / "here")
    assert not any("processes" in words for words in told.said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trace": "0" * 64}, "run 0.0 of the proxy would be trained in another way here"),
        (
            {"share": {"kind": "fold", "folds": 3, "seed": 0, "fold": 0}},
            "would learn from other samples here",
        ),
    ],
)
def test_a_machine_that_would_train_in_another_way_says_so(
    home: Path,
    tmp_path: Path,
    apart: None,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    said: str,
) -> None:
    real = proxy_units._unit
    monkeypatch.setattr(proxy_units, "_unit", lambda *words: {**real(*words), **change})
    with pytest.raises(StoreError, match=said) as caught:
        score(home, tmp_path / "s", settings={"workers": 1}, **FOLDS)
    assert caught.value.hint.startswith("let all machines ")
