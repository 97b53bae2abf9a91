from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from pathlib import Path
from typing import Any

import pytest

from prune.cli import command_tree
from prune.commands.options import DeviceChoice, ExecutorChoice, OnError, Unlabelled
from prune.commands.run_settings import run_settings
from prune.core.errors import OptionError
from prune.steps.settings import READING, Settings

VERBS: dict[str, Any] = command_tree().commands


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_is_passed_over(verb: str) -> None:
    """An option that a verb does not use by name is one of those that are read here."""
    function = inspect.unwrap(VERBS[verb].callback)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    used = {
        node.id
        for line in tree.body
        for node in ast.walk(line)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load | ast.Del)
    }
    unused = {argument.arg for argument in tree.args.args} - used
    read = {field.name for field in dataclasses.fields(Settings)} | {*READING, "max_memory"}
    assert unused <= (read if "run_settings" in used else set())


def test_words_become_settings() -> None:
    typed = {
        "seed": 3,
        "device": DeviceChoice.cpu,
        "workers": 2,
        "on_error": OnError.skip,
        "unlabelled": Unlabelled.keep,
        "max_memory": "1G",
        "quiet": True,
        "store": Path("elsewhere"),
    }
    made = run_settings(typed)
    assert (made.seed, made.device, made.workers, made.memory) == (3, "cpu", 2, 2**30)
    assert (made.on_error, made.unlabelled, made.reading) == ("skip", "keep", {})


def test_what_was_not_said_of_reading_is_left_out_and_nothing_else() -> None:
    typed = {
        "as_": None,
        "labels": Path("labels.csv"),
        "no_labels": False,
        "skip_shards": True,
        "quiet": True,
    }
    assert run_settings({**typed, "max_pixels": 0.0}).reading == {
        "labels": "labels.csv",
        "max_pixels": "0.0",
        "skip_shards": True,
    }


def test_a_cluster_decides_how_many_work_unless_somebody_says() -> None:
    typed = {"executor": ExecutorChoice.ray, "address": "10.0.0.1:6379", "workers": None, "quiet": True}
    assert run_settings(typed).workers == 0
    assert run_settings({**typed, "workers": 3}).workers == 3
    assert run_settings({"workers": None, "quiet": True}).workers > 0
    with pytest.raises(OptionError, match="is of a Ray cluster"):
        run_settings({**typed, "executor": ExecutorChoice.processes})


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="much"):
        run_settings({"max_memory": "much", "quiet": True})
