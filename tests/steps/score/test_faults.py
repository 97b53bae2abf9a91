"""Scores whose making was killed anywhere come to the same bytes, also of a dataset that grew."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.progress import Advance
from prune.steps.settings import Settings
from prune.store import Store
from tests.growing import EDITS

from .test_compute import content, score
from .test_growing import Stages, grow, scored

__all__ = ["score", "scored"]  # fixtures


@pytest.mark.parametrize(
    "asked",
    [
        {"runs": 3},
        {"cross_fit": 2, "types": "grad_norm"},
        {"on_fraction": "0.5", "types": "el2n,grad_norm"},
        {"until_stable": 0.6, "runs": 1, "types": "aum"},
    ],
)
def test_a_kill_at_any_time_changes_nothing(
    score: Callable[..., Any], faulty: Callable[..., Any], killed: type[BaseException], asked: dict[str, Any]
) -> None:
    counting = faulty()
    score("whole", more={"epochs": 4}, **asked)
    expected, total = content("whole"), len(counting.calls)
    for at in range(3, total, max(7, total // 9)):
        faulty(("kill", "torn")[at % 2], at)
        with contextlib.suppress(killed):
            score(f"broken {at}", more={"epochs": 4}, **asked)
        finished = {p: p.stat().st_mtime_ns for p in Path(f"broken {at}").rglob("part-*") if p.is_file()}
        faulty()
        score(f"broken {at}", more={"epochs": 4}, **asked)
        assert content(f"broken {at}") == expected, at
        assert all(path.stat().st_mtime_ns == written for path, written in finished.items())


class KilledError(BaseException):
    """The process ends here."""


class Killer(Stages):
    """A reporter under which the process ends within a stage."""

    def __init__(self, within: str) -> None:
        super().__init__()
        self._within = within

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        def advance(done: int) -> None:
            if what.startswith(self._within):
                raise KilledError

        yield advance


@pytest.mark.parametrize(
    "within", ["caching", "looking at new", "taking features", "training mlp, run 0.con"]
)
def test_killed_it_leaves_the_old_state_and_goes_on_to_the_same_bytes(
    tmp_path: Path, scored: Callable[[str, Path], str], within: str
) -> None:
    for home in ("one", "two"):
        (tmp_path / home).mkdir()
        data = scored("webdataset", tmp_path / home)
        grow("webdataset", tmp_path / home, EDITS["all at once"][0])
    before = (tmp_path / "one/store/store.json").read_bytes()
    with pytest.raises(KilledError):
        killed = Settings(reporter=Killer(within))
        pipeline.score(tmp_path / "one/store", str(tmp_path / "one/data"), types=["el2n"], settings=killed)
    assert (tmp_path / "one/store/store.json").read_bytes() == before
    pipeline.score(tmp_path / "one/store", str(tmp_path / "one/data"), types=["el2n"])
    pipeline.score(tmp_path / "two/store", data, types=["el2n"])
    one, two = (Store(tmp_path / home / "store") for home in ("one", "two"))
    assert one.state == two.state
    assert all(one.column(name).files == two.column(name).files for name in one.columns)
    assert pipeline.verify(tmp_path / "one/store")["whole"]
