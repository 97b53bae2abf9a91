"""Several runs that make a share each, on one store and without a scheduler: the bytes of one run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.errors import OptionError
from prune.store import Store
from prune.system import files
from prune.system.executors.share import RunShare, share_of

LINES, PARTS = 90, 6
SRUN = {"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4"}
BATCH = {"SLURM_PROCID": "0"}  # so the script of a job has it
TORCHRUN = {"RANK": "2", "WORLD_SIZE": "3"}
ARRAY = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "4"}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Store.write_column.__kwdefaults__, "part_rows", 16)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    texts = (f"a {['good', 'bad', 'fair'][i % 3]} text, number {i} of them" for i in range(LINES))
    (tmp_path / "few.jsonl").write_text("".join(f"{json.dumps({'text': text})}\n" for text in texts))
    embed(tmp_path, "whole", None)
    return tmp_path


def embed(home: Path, store: str, share: RunShare | None) -> dict[str, Any]:
    settings = prune.Settings(device="cpu", share=share)
    return prune.embed(home / store, str(home / "few.jsonl"), settings=settings)


def column(store: Path) -> dict[str, bytes]:
    (folder,) = (store / "columns" / "embedding.ngrams").iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_run_that_finds_all_parts_there_finishes(home: Path) -> None:
    found = [embed(home, "shared", RunShare(rank, 4))["parts"] for rank in (2, 0, 1, 3)]
    assert [(parts["made"], parts["missing"]) for parts in found] == [(1, 5), (2, 3), (2, 1), (1, 0)]
    assert all(parts["all"] == PARTS for parts in found)
    assert column(home / "shared") == column(home / "whole")
    assert Store(home / "shared").columns == Store(home / "whole").columns
    again = embed(home, "shared", RunShare(0, 4))
    assert (again["unchanged"], again["parts"]["made"]) == (True, 0)


def test_runs_at_once_wait_for_each_other_and_make_the_same(home: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda rank: embed(home, "shared", RunShare(rank, 3)), range(3)))
    assert sum(one["parts"]["made"] for one in found) == PARTS
    assert any(one["parts"]["missing"] == 0 for one in found)
    assert column(home / "shared") == column(home / "whole")


def test_a_file_that_another_run_took_for_a_dead_ones_is_written_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = files.disk.rename, []

    def rename(old: Path, new: Path) -> None:
        if new.name.startswith("part-00000") and not swept:
            swept.append(old)
            files.sweep(home / "shared")
        real(old, new)

    monkeypatch.setattr(files.disk, "rename", rename)
    embed(home, "shared", RunShare(0, 2))
    embed(home, "shared", RunShare(1, 2))
    assert swept
    assert column(home / "shared") == column(home / "whole")


@pytest.mark.parametrize(
    ("typed", "told", "share"),
    [
        ((None, None), {"RANK": "1", "WORLD_SIZE": "2"}, None),
        (("1", 4), {}, RunShare(1, 4)),
        (("auto", None), {"RANK": "1", "WORLD_SIZE": "2"}, RunShare(1, 2)),
        (("auto", None), {**SRUN, "SLURM_NTASKS": "4"}, RunShare(3, 4)),
        (("auto", None), {**SRUN, "SLURM_NTASKS": "16"}, RunShare(3, 4)),  # a step of four of them
        (("auto", None), {**SRUN, **ARRAY}, RunShare(7, 16)),
        (("auto", None), {**BATCH, "SLURM_NTASKS": "1"}, RunShare(0, 1)),
        (("auto", None), BATCH, RunShare(0, 1)),
        (("auto", None), {**BATCH, **ARRAY, "SLURM_NTASKS": "8"}, RunShare(1, 4)),
        (("auto", None), {**TORCHRUN, **SRUN}, RunShare(2, 3)),
        (("auto", None), {**TORCHRUN, **ARRAY, **SRUN}, RunShare(5, 12)),
        (
            ("auto", None),
            {"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_COUNT": "3"}
            | {"SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_STEP": "2", "RANK": "0", "WORLD_SIZE": "1"},
            RunShare(2, 3),
        ),
    ],
)
def test_a_share_is_as_typed_or_as_the_environment_says(
    typed: tuple[str | None, int | None], told: Mapping[str, str], share: RunShare | None
) -> None:
    assert share_of(*typed, told) == share


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("4", 4), "count from 0"),
        (("0", None), "--rank 0 does not say which share"),
        ((None, 3), "--world 3 does not say which share"),
        (("first", 3), "--rank first --world 3 does not say"),
        (("auto", None), "the environment has none of"),
    ],
)
def test_half_a_share_is_refused(typed: tuple[str | None, int | None], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        share_of(*typed, {})


def test_a_job_of_which_srun_began_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="srun has begun none of the 4 tasks") as caught:
        share_of("auto", None, {**BATCH, "SLURM_NTASKS": "4"})
    assert caught.value.hint.startswith("srun before the command")
