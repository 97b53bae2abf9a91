from __future__ import annotations

import pytest

from prune.core.errors import OptionError
from prune.steps.score.proxy_request import ProxyRequest


def test_defaults() -> None:
    assert ProxyRequest.of() == ProxyRequest(runs=1)
    assert ProxyRequest.of(until_stable=0.9).runs == 10
    assert ProxyRequest.of(until_stable=0.9).stops_runs
    assert ProxyRequest.of(1, 0.9).stops_epochs


@pytest.mark.parametrize("given", ["0.50", ".5", "5e-1", 0.5])
def test_a_fraction_has_one_spelling(given: str | float) -> None:
    assert ProxyRequest.of(on_fraction=given).on_fraction == "0.5"
    assert ProxyRequest.of(on_fraction=1).on_fraction is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"runs": 0}, "--runs must be at least 1, not 0"),
        ({"until_stable": 1.0}, "--until-stable must be over 0 and under 1, not 1"),
        ({"until_stable": float("nan")}, "--until-stable must be over 0"),
        ({"cross_fit": 1}, "--cross-fit must be at least 2, not 1"),
        ({"on_fraction": "0"}, "--on-fraction must be over 0 and at most 1, not 0"),
        ({"on_fraction": "1.5"}, "--on-fraction must be over 0 and at most 1"),
        ({"on_fraction": "half"}, "--on-fraction must be over 0 and at most 1, not half"),
        ({"on_fraction": "1e-400"}, "--on-fraction must be over 0"),
        ({"on_fraction": 0.5, "cross_fit": 5}, "--cross-fit scores every sample, --on-fraction only some"),
        ({"runs": 1, "until_stable": 0.9, "cross_fit": 5}, "--until-stable with one run"),
    ],
)
def test_what_makes_no_sense(asked: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        ProxyRequest.of(**asked)  # type: ignore[arg-type]
    assert caught.value.hint or "runs" in asked


def test_scores_that_compare_samples_have_no_folds() -> None:
    ProxyRequest.of().require_comparable(["density"])
    with pytest.raises(OptionError, match="density compares samples .* --cross-fit 3 trains several"):
        ProxyRequest.of(cross_fit=3).require_comparable(["density"])


def test_a_training_of_ones_own_has_its_runs() -> None:
    ProxyRequest.of().require_none("the training is your own")
    with pytest.raises(OptionError, match="--runs 3 --cross-fit 2: the training is your own"):
        ProxyRequest.of(3, cross_fit=2).require_none("the training is your own")
