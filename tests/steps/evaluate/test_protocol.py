"""The protocol: how many samples a training looks at, step by step."""

from __future__ import annotations

import pytest

from prune.proxy.training_length import TrainingLength
from prune.steps.evaluate.protocol import FitProtocol, Protocol, protocol_of


@pytest.mark.parametrize("n", [1, 7, 16, 18, 24, 25, 60, 130])
@pytest.mark.parametrize(("kind", "count"), [("steps", 1), ("steps", 24), ("steps", 25), ("epochs", 3)])
def test_samples_are_those_of_the_steps_one_by_one(n: int, kind: str, count: int) -> None:
    protocol = Protocol(kind, count, 16)  # type: ignore[arg-type]
    ends = TrainingLength(1, 16).ends(n)
    each = [stop - start for start, stop in zip([0, *ends], ends, strict=False)]
    steps = protocol.steps(n)
    assert protocol.samples(n) == sum(each[step % len(each)] for step in range(steps))


def test_a_fit_looks_at_every_sample() -> None:
    assert FitProtocol(batch=16).samples(130) == 130
    assert FitProtocol(batch=16).steps(130) == 1


@pytest.mark.parametrize("kind", ["steps", "epochs", "fit"])
def test_a_recipe_of_a_store_tells_its_protocol(kind: str) -> None:
    recipe = {"kind": kind, "count": 1, "batch": 16}
    protocol = protocol_of(recipe)
    assert protocol.recipe == recipe
    assert (protocol.in_short == "fitted to the end") == (kind == "fit")
    assert bool(protocol.when_tested) == (kind != "fit")
