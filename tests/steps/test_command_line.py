from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prune.core.store_option import in_store
from prune.steps.command_line import command_line
from prune.steps.settings import Settings


def test_what_is_as_by_default_is_not_said() -> None:
    assert command_line("embed", {"encoder": "pixels", "weights": None, "dtype": "float16"}, Settings()) == (
        "prune embed --encoder pixels"
    )
    assert command_line("score", {"types": (), "training": None}, Settings()) == "prune score"
    assert command_line("score", {"types": [], "imports": None}, Settings(seed=3)) == "prune score --seed 3"


def test_numbers_of_numpy_are_said_as_they_are_typed() -> None:
    given = {"count": np.int64(10), "fraction": np.float32(0.3), "quota_floor": np.int64(0)}
    assert command_line("select", given, Settings()) == "prune select --fraction 0.3 --count 10"


@pytest.mark.parametrize("keys", [["a", "b"], np.array(["a", "b"]), ()])
def test_keys_in_a_list_are_left_out(keys: object) -> None:
    assert command_line("select", {"method": "kcenter", "given": keys}, Settings()) == (
        "prune select --method kcenter"
    )


def test_files_have_their_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = command_line("select", {"given": "my keys.txt"}, Settings())
    assert said == f"prune select --given '{tmp_path}/my keys.txt'"
    assert in_store(said, "a store") == f"prune select --store 'a store' --given '{tmp_path}/my keys.txt'"
