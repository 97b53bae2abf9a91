from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.cli import command_tree
from prune.core.option_words import FILES, OF_TRAINING, option
from prune.core.store_option import in_store
from prune.steps.command_line import command_line
from prune.steps.settings import Settings

VERBS: Any = command_tree().commands


def test_what_is_as_by_default_is_not_said() -> None:
    assert command_line("embed", {"encoder": "pixels", "weights": None, "dtype": "float16"}, Settings()) == (
        "prune embed --encoder pixels"
    )
    assert command_line("score", {"types": (), "training": None}, Settings()) == "prune score"
    assert command_line("score", {"types": [], "imports": None}, Settings(seed=3)) == "prune score --seed 3"


def test_numbers_of_numpy_are_said_as_they_are_typed() -> None:
    given = {"fraction": np.float32(0.3), "count": np.int64(10), "quota_floor": np.int64(0)}
    assert command_line("select", given, Settings()) == "prune select --fraction 0.3 --count 10"


@pytest.mark.parametrize("keys", [["a", "b"], np.array(["a", "b"]), ()])
def test_keys_in_a_list_are_left_out(keys: object) -> None:
    assert command_line("select", {"method": "kcenter", "given": keys}, Settings()) == (
        "prune select --method kcenter"
    )


def test_files_have_their_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my keys.txt").touch()
    assert command_line("select", {"given": "a-selection"}, Settings()) == "prune select --given a-selection"
    said = command_line("select", {"given": "my keys.txt"}, Settings())
    assert said == f"prune select --given '{tmp_path}/my keys.txt'"
    assert in_store(said, "a store") == f"prune select --store 'a store' --given '{tmp_path}/my keys.txt'"


def test_a_training_is_said_as_far_as_it_has_options() -> None:
    training = {"proxy": "mlp", "size": 8, "epochs": None, "flip": False, "peak_lr": 0.1, "batch": 64}
    said = command_line("score", {"types": ["el2n", "aum"], "training": training}, Settings())
    assert said == "prune score --type el2n,aum --proxy mlp --proxy-size 8 --no-flip --lr 0.1"


@pytest.mark.parametrize("verb", ["embed", "score", "select"])
def test_every_option_that_takes_a_file_is_known(verb: str) -> None:
    """Else its path would be said as it was typed, and mean another file when typed elsewhere."""
    options = [param for param in VERBS[verb].params if param.param_type_name == "option"]
    paths = {name for param in options if param.metavar == "FILE" for name in param.opts}
    assert paths
    assert paths <= {option(name) for name in FILES}


@pytest.mark.parametrize("verb", [prune.embed, prune.score, prune.select])
def test_every_parameter_is_said_as_an_option_that_there_is(verb: Callable[..., Any]) -> None:
    known = {name for param in VERBS[verb.__name__].params for name in (*param.opts, *param.secondary_opts)}
    asked = set(inspect.signature(verb).parameters) - {"store", "data", "settings", "training", "checkpoint"}
    nested = {*OF_TRAINING, "no_flip", "file", "factory", "mean", "std"} if verb is prune.score else set()
    assert {option(name) for name in asked | nested} <= known


def test_held_out_data_is_a_place_and_a_split_is_a_name(elsewhere: Path) -> None:
    (elsewhere / "kept apart").mkdir()
    given = {"method": "random", "count": 3, "drop_leaks": ["test", "kept apart"]}
    said = command_line("select", given, Settings())
    place = shlex.quote(str(elsewhere / "kept apart"))
    assert said == f"prune select --method random --count 3 --drop-leaks test --drop-leaks {place}"
