"""Folds and runs of a proxy as units of work: what they are told, and an epoch at most is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.errors import StoreError
from prune.proxy.train import Trainer
from prune.steps.score import proxy_units
from tests.steps.unit_rows import FOLDS, PROXIES, ROWS, Told, contents, settings, write_texts


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of three classes, and a store of folds that this process trained."""
    home = tmp_path_factory.mktemp("units")
    write_texts(home)
    score(home, home / "here", **FOLDS)
    return home


def score(
    home: Path, store: Path, *, workers: int = 0, told: Told | None = None, **asked: Any
) -> dict[str, Any]:
    how = settings(told, workers=workers)
    return prune.score(store, str(home / "few.jsonl"), **PROXIES, **asked, settings=how)


def columns(store: Path) -> dict[str, bytes]:
    return contents(store / "columns")


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do units in this process, told what others would be told."""
    ROWS["proxies"].spread(monkeypatch, by=0)
    proxy_units._session.cache_clear()


@pytest.mark.parametrize("asked", [{}, {"runs": 2}, {"on_fraction": "0.5"}])
def test_units_are_told_all_that_decides(
    home: Path, tmp_path: Path, asked: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    score(home, tmp_path / "one", **asked)
    request.getfixturevalue("apart")
    made = score(home, tmp_path / "s", workers=1, **asked)
    assert made["unchanged"] is False
    assert made["cost"]["proxy"]["seconds"] > 0
    assert made["cost"]["proxy"]["networks"] > 0
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
    with pytest.raises(KeyboardInterrupt):
        score(home, tmp_path / "s", workers=1, **FOLDS)
    begun.append((9, 9))  # from here on nothing is interrupted
    del begun[:2]
    score(home, tmp_path / "s", workers=1, **FOLDS)
    assert begun == [(9, 9), (0, 2), (0, 1), (0, 2), (1, 1), (1, 2), (1, 1), (1, 2)]
    assert columns(tmp_path / "s") == columns(home / "here")


def test_little_is_trained_here(home: Path, tmp_path: Path) -> None:
    told = Told()
    score(home, tmp_path / "s", workers=2, told=told, **FOLDS)
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
        score(home, tmp_path / "s", workers=1, **FOLDS)
    assert caught.value.hint.startswith("let all machines ")
