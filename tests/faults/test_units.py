"""Units of work done by processes leave the bytes of one process, also where one of them is killed."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from prune.core.errors import StoreError
from prune.steps import embedding_units
from tests.steps.unit_rows import ROWS, Made, Told, made_alone, one_worker_killed, settings, write_texts

Alone = Callable[[str], tuple[Path, Made]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return made_alone(tmp_path_factory)


@pytest.mark.parametrize("name", ["embed", "partitions", "duplicates"])
def test_four_processes_make_the_same_bytes(
    alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    row, told, (home, made) = ROWS[name], Told(), alone(name)
    row.spread(monkeypatch, by=4)
    assert row.run(home, tmp_path / "s", settings(told, **row.asked)) == made
    assert any(line.startswith(f"4 processes {row.doing[0]}, in about") for line in told.said)
    assert not any("again" in line for line in told.said)


@pytest.mark.parametrize("name", ROWS)
def test_one_that_is_killed_costs_its_unit(
    alone: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    row, told, (home, made) = ROWS[name], Told(), alone(name)
    row.spread(monkeypatch, by=2)
    with one_worker_killed():
        assert row.run(home, tmp_path / "s", settings(told, **row.asked)) == made
    for doing in row.doing:
        assert any(line.startswith(f"2 processes {doing}, in about") for line in told.said)
    (again,) = [line for line in told.said if "again" in line]
    assert again.startswith("a worker process was killed by signal 9; another one does ")
    assert re.search(row.again, again)
    assert multiprocessing.active_children() == []
    assert {path.name for path in tmp_path.iterdir()} <= {"s"}


def test_an_error_of_a_worker_is_that_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ROWS["embed"].spread(monkeypatch, by=2)
    real = embedding_units._described
    described = lambda *words: {**real(*words), "dataset": "0" * 64}  # noqa: E731
    monkeypatch.setattr(embedding_units, "_described", described)
    write_texts(tmp_path)
    with pytest.raises(StoreError, match="holds another dataset") as caught:
        ROWS["embed"].run(tmp_path, tmp_path / "s", settings(workers=2))
    assert "all machines" in caught.value.hint
    assert multiprocessing.active_children() == []
