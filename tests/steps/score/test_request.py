"""What score is asked for is checked before anything is read: names, ranges, what goes together."""

from __future__ import annotations

from typing import Any

import pytest

from prune.core.errors import OptionError, UnknownNameError
from prune.steps.score.request import ScoreRequest
from prune.steps.score.sources.score_file import ScoreFile


def test_options_go_to_every_scorer_that_has_them() -> None:
    asked = ScoreRequest.of(["dual", "tdds", "el2n"], ["window=3"])
    assert asked.options == {"dual": {"window": 3}, "tdds": {"window": 3}, "el2n": {}}
    assert list(asked.settled) == ["dual", "tdds", "el2n"]
    assert (asked.proxy, asked.training.proxy, asked.file, asked.model) == (None, "resnet8", None, None)


def test_a_proxy_is_named_in_what_is_asked_of_proxies() -> None:
    asked = ScoreRequest.of(["el2n"], [], training={"proxy": "mlp", "epochs": 2}, runs=3, seed=5)
    assert asked.proxies_to_train.words == ["--runs 3", "--proxy mlp", "--epochs 2"]
    assert (asked.training.proxy, asked.training.epochs, asked.training.seed) == ("mlp", 2, 5)


def test_a_trace_of_ones_own_is_no_proxy() -> None:
    asked = ScoreRequest.of(["el2n"], [], training={"proxy": "own"})
    assert (asked.proxy, asked.training.proxy) == ("own", "resnet8")
    assert not asked.proxies.is_said


def test_a_file_is_taken_without_scorers() -> None:
    asked = ScoreRequest.of(["mine"], [], imports="scores.csv", high="mine=easy,other=hard")
    assert asked.methods == {}
    assert asked.file == ScoreFile("scores.csv", ("mine",), {"mine": "easy", "other": "hard"})
    assert asked.file.meanings(["mine", "other"]) == {"mine": "easy", "other": "hard"}
    for_all = ScoreFile.of("scores.csv", [], "hard")
    assert for_all is not None
    assert for_all.meanings(["mine"]) == {"mine": "hard"}


@pytest.mark.parametrize(
    ("types", "settings", "asked", "message"),
    [
        ([], [], {}, "score wants --type"),
        (["nothing"], [], {}, "no score is called 'nothing'"),
        (["el2n"], ["nothing=2"], {}, "el2n has no option 'nothing'"),
        (["el2n"], [], {"high": "hard"}, "--high hard says what imported scores mean, and none is imported"),
        (["el2n"], [], {"training": {"proxy": "nothing"}}, "no proxy is called 'nothing'"),
        (["el2n"], [], {"checkpoint": {"file": "m.pt"}}, "--checkpoint m.pt wants --model"),
        ([], ["window=2"], {"imports": "s.csv", "on": "proxy"}, "--on proxy --set window=2: imported scores"),
        ([], [], {"imports": "s.csv", "high": "odd"}, "--high odd does not say what a high value means"),
    ],
)
def test_what_makes_no_sense(
    types: list[str], settings: list[str], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises((OptionError, UnknownNameError), match=message):
        ScoreRequest.of(types, settings, **asked)
