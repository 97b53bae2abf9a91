"""Every verb has a signature that a notebook can show, and a typo gets the nearest name."""

from __future__ import annotations

import inspect
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

import prune
from prune.core.errors import OptionError, PruneError
from prune.core.methods import words

VERBS = ["embed", "score", "select", "export", "verify", "gc", "evaluate"]


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_hides_its_options(verb: str) -> None:
    parameters = inspect.signature(getattr(prune, verb)).parameters.values()
    assert not [p for p in parameters if p.kind in {p.VAR_KEYWORD, p.VAR_POSITIONAL}]
    assert all(p.annotation is not p.empty for p in parameters)


@pytest.mark.parametrize(
    ("verb", "given", "near"),
    [
        ("select", {"methd": "top"}, "did you mean 'method'?"),
        ("select", {"fracton": 0.3}, "did you mean 'fraction'?"),
        ("score", {"type": ["el2n"]}, "did you mean 'types'?"),
        ("embed", {"encodr": "pixels"}, "did you mean 'encoder'?"),
        ("export", {"format": "webdataset", "outt": "x"}, "did you mean 'out'?"),
        ("verify", {"sorce": False}, "did you mean 'source'?"),
        ("gc", {"unfinishd": True}, "did you mean 'unfinished'?"),
        ("evaluate", {"fraction": 0.3}, "did you mean 'fractions'?"),
        ("select", {"seed": 3}, "settings=prune.Settings(seed=…)"),
        ("embed", {"zzz": 1}, "embed takes store, data, encoder"),
    ],
)
def test_a_keyword_that_no_verb_has_gets_the_nearest(verb: str, given: dict[str, Any], near: str) -> None:
    with pytest.raises(TypeError, match=f"{verb}\\(\\) has no keyword") as caught:
        getattr(prune, verb)("nowhere", **given)
    assert isinstance(caught.value, OptionError)
    assert near in caught.value.hint


def test_a_traceback_ends_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(PruneError) as caught:
        prune.select(tmp_path / "nowhere", method="kcentre", fraction=0.3)
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.endswith("no selector is called 'kcentre'\ntry: did you mean 'kcenter'?\n")


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ({"metric": "cosine", "alpha": 0.5}, ["metric=cosine", "alpha=0.5"]),
        (["metric=cosine"], ["metric=cosine"]),
        ("metric=cosine", ["metric=cosine"]),
        ((), []),
        ({"first": None, "refine": True}, ["first=None", "refine=True"]),
    ],
)
def test_options_are_a_mapping_or_words(options: Any, typed: list[str]) -> None:
    assert words(options) == typed


def test_options_of_a_mapping_choose_as_words_do(images: Path, elsewhere: Path) -> None:
    prune.embed("s", str(images), encoder="pixels")
    by_words = prune.select("s", method="kcenter", count=9, options=["metric=cosine"], name="a")
    by_name = prune.select("s", method="kcenter", count=9, options={"metric": "cosine"}, name="b")
    assert by_words["keys_sha256"] == by_name["keys_sha256"]
    with pytest.raises(OptionError, match="metric=7 is not one of euclidean, cosine"):
        prune.select("s", method="kcenter", count=9, options={"metric": 7})


def test_what_there_is_can_be_listed_and_loads_nothing() -> None:
    code = "import sys, prune; print(*dir(prune)); print('numpy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    names, loaded = out.splitlines()
    assert {*VERBS, "Store", "Settings", "select_rows"} <= set(names.split())
    assert loaded == "False"


def test_errors_are_imported_from_where_the_readme_has_them() -> None:
    code = "from prune.errors import PruneError; import prune; print(prune.errors.PruneError is PruneError)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


def test_a_verb_that_is_mistyped_gets_the_nearest() -> None:
    code = "import prune; prune.selct('.prune')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "module 'prune' has no attribute 'selct'. Did you mean: 'select'?" in said
