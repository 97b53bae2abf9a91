"""What a selection says of itself: sentences of what a user has to know, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prune.commands.select_facts import sentences
from prune.commands.select_report import summary


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"mode": "dense", "why": "it fits", "recall": 1.0, "clusters": 12, "duplicates": 0, "filled": 0},
            [],
        ),
        ({"recall": 0.9812}, ["the graph of neighbours holds 98.1 % of the true ones"]),
        ({"recall": 0.99999}, ["the graph of neighbours holds 99.9990 % of the true ones"]),
        (
            {"recall": {"least": 0.5, "mean": 0.75, "most": 1.0}, "groups": 2},
            ["the graph of neighbours holds 75 % of the true ones, 50 % in one class"],
        ),
        ({"residual": 0.026}, ["the weighted sum of the kept differs by 2.6 % from the sum to match"]),
        (
            {
                "residual": {"least": 0.01, "mean": 0.02, "most": 0.03},
                "residual_of_all": 0.05,
                "groups": 10,
            },
            [
                "the weighted sum of the kept differs by 2 % from the sum to match in a class, on average, "
                "from 1 to 3 %; by 5 % over all classes together"
            ],
        ),
        (
            {"duplicates": 3, "eps": 0.01},
            ["3 samples are duplicates of others, with a cosine of 0.99 or more"],
        ),
        ({"duplicates": 1, "eps": None}, ["1 sample is a duplicate of another"]),
        (
            {"tied_at_cut": 12},
            ["12 samples tied at the cut; which of them are kept is drawn by seed and key"],
        ),
        (
            {"filled": 300},
            ["300 of 539 samples add nothing by this method any more and were drawn by seed and key"],
        ),
        (
            {"filled": 1, "rule": "largest gain"},
            ["1 of 539 samples adds nothing by this method any more and was filled in by the largest gain"],
        ),
        (
            {"cutoff": 0.3},
            ["the hardest 30 % were left out by the method; --set cutoff=none leaves out none"],
        ),
        (
            {"groups_without_target": 2},
            ["2 classes without a sample in the target: all of it is what they match"],
        ),
    ],
)
def test_facts_are_sentences_where_they_matter(facts: dict[str, Any], said: list[str]) -> None:
    assert sentences(facts, 539) == said


def _summary(**report: Any) -> list[str]:
    result = {
        "name": "half",
        "k": 30,
        "usable": 100,
        "seconds": {"select": {"total": 0.5}},
        "drop_hardest": None,
        "facts": {},
        "classes": ["airplane", "bird"],
        "dataset": {"format": "imagefolder"},
        "report": report,
    }
    return summary(result, Path("s"), "webdataset")


def _classes(least: float, most: float, lost: int = 0, present: int = 2) -> dict[str, Any]:
    return {
        "least_kept": {"class": 0, "fraction": least},
        "most_kept": {"class": 1 if present > 1 else 0, "fraction": most},
        "present": present,
        "lost": lost,
    }


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (_classes(0.3, 0.3), "every class keeps 30 %"),
        (_classes(1.0, 1.0), "every class keeps 100 %"),
        (_classes(0.2999, 0.3001), "every class keeps about 30 %"),
        (_classes(0.99999, 1.0), "classes keep from 99.9990 % ('airplane') to 100 % ('bird')"),
        (_classes(0.1, 0.5), "classes keep from 10 % ('airplane') to 50 % ('bird')"),
        (_classes(0.0, 0.5, lost=1), "classes keep from 0 % ('airplane') to 50 % ('bird'); 1 class lost"),
        (_classes(0.3, 0.3, present=1), "'airplane' keeps 30 %"),
    ],
)
def test_what_classes_keep_is_one_sentence(classes: dict[str, Any], said: str) -> None:
    assert _summary(classes=classes)[1] == said


def test_distances_are_not_printed_and_given_samples_are_named() -> None:
    far = {"mean": 1.0, "max": 2.0}
    lines = _summary(distance_to_nearest_kept={"selection": far, "random": far, "witnesses": 9}, given=7)
    assert lines == [
        "half: 30 of 100 samples kept (30 %), beside 7 given, in 0.5 s",
        "in s/selections/half",
        "next: prune export --store s --format webdataset",
    ]
