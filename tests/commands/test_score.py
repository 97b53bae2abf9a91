"""`prune score`: what it asks for and what it says of runs, folds, parts and cost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Prune = Callable[..., Any]
QUICK = ("--proxy", "mlp", "--epochs", "2", "--proxy-size", "8", "--workers", "0")


def test_it_says_how_far_to_trust_a_score_and_what_it_took(
    prune: Prune, images: Path, elsewhere: Path
) -> None:
    said = prune("score", "--type", "el2n", *QUICK, "--runs", "2", images)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[2].startswith("  runs agree by ")
    assert "(Spearman)" in lines[2]
    assert lines[3].startswith("cost: proxy ")
    assert lines[4].startswith("another run: ")
    assert lines[5].startswith("labels to look at first, by el2n: ")
    assert lines[6].startswith("next: ")
    result = json.loads(prune("score", "--type", "el2n", *QUICK, "--runs", "2", images, "--json").out)
    assert result["runs"] == 2
    assert result["cost"]["proxy"]["now"] == 0 < result["cost"]["proxy"]["seconds"]


def test_it_says_when_the_ranking_stands(prune: Prune, images: Path, elsewhere: Path) -> None:
    said = prune("score", "--type", "el2n", *QUICK, "--until-stable", "0.5", "--runs", "2", images)
    assert re.search(
        "after 2 of 2 runs, their mean (is expected|cannot be expected yet) to correlate by 0.5", said.out
    )


def test_extrapolated_scores_are_flagged_down_to_the_manifest(
    prune: Prune, images: Path, elsewhere: Path
) -> None:
    said = prune("score", "--type", "el2n", *QUICK, "--on-fraction", "0.25", images)
    assert "  30 samples filled in from neighbours" in said.out
    assert prune("select", "--method", "top", "--count", "9").code == 0
    folder = elsewhere / ".prune" / "selections" / "top"
    flags = pq.read_table(folder / "manifest.parquet")["score.el2n.extrapolated"].to_pylist()
    assert sum(flags) == 30
    about = json.loads((folder / "selection.json").read_text())
    assert "score.el2n.extrapolated" in about["columns"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runs", "0"], "--runs must be at least 1"),
        (["--until-stable", "1"], "--until-stable must be over 0 and under 1"),
        (["--on-fraction", "2"], "--on-fraction must be over 0 and at most 1"),
        (["--cross-fit", "1"], "--cross-fit must be at least 2"),
        (["--cross-fit", "3", "--on-fraction", "0.5"], "leave one of the two out"),
        (["--cross-fit", "21"], "--cross-fit 21 wants 21 samples of each class, but 'left' has 20"),
        (["--cross-fit", "3", "--type", "cal", "--on", "proxy"], "cal compares samples"),
        (["--until-stable", "0.9", "--type", "input_norm,cal"], "compares runs"),
        (["--until-stable", "0.9", "--runs", "1", "--type", "grad_norm"], "looks at the trace"),
    ],
)
def test_what_makes_no_sense_is_said_before_training(
    prune: Prune, images: Path, elsewhere: Path, words: list[str], message: str
) -> None:
    types = [] if "--type" in words else ["--type", "el2n"]
    said = prune("score", *types, *QUICK, *words, images)
    assert said.code == 2, said.err
    assert message in said.err
    assert "try: " in said.err
    assert not list(elsewhere.glob(".prune/columns/trace.*/*/part-*"))
