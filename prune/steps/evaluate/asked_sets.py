"""Which selections at which sizes were asked for: specs times fractions, stored ones at their own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prune.core.column_name import scores_among
from prune.core.errors import OptionError
from prune.steps.evaluate.portfolio import portfolio
from prune.steps.evaluate.request import EvaluateRequest
from prune.steps.evaluate.spec import Spec, parse_specs
from prune.steps.evaluate.training_sets import EVERYTHING, RANDOM
from prune.store import Store


@dataclass(frozen=True)
class AskedSet:
    """One selection at one size."""

    spec: Spec
    fraction: str | None  # None: its size is its own

    @property
    def is_random(self) -> bool:
        """Whether random sets of this size are meant, a new one for each seed."""
        return self.spec.text == RANDOM and not self.spec.is_stored


def asked_sets(store: Store, asked: EvaluateRequest) -> list[AskedSet]:
    """Return every selection at every size; by default the latest selection of the store.

    Raises
    ------
    OptionError
        There is nothing to evaluate, or no size, or a stored selection is called as what is trained beside.
    """
    state = store.state
    if asked.choose:
        return _to_choose_from(store, asked)
    words = list(asked.select)
    if not words:
        if state.get("latest") is None:
            raise OptionError("evaluate wants --select", "--select kcenter --fraction 0.3")
        words = [state["latest"]]
    scores = [name.of for name in scores_among(store.columns)]
    specs = parse_specs(words, state["selections"], scores, sized=bool(asked.fractions and asked.select))
    return [one for spec in specs for one in _at_sizes(spec, asked.fractions)]


def _to_choose_from(store: Store, asked: EvaluateRequest) -> list[AskedSet]:
    """Return what is compared at each size: what was named, else the portfolio of that size."""
    scores = [name.of for name in scores_among(store.columns)]
    found = []
    for fraction in asked.fractions:
        words = list(asked.select) or portfolio(fraction)
        for spec in parse_specs(words, store.state["selections"], scores, sized=True):
            if spec.is_stored or spec.text == EVERYTHING:
                raise OptionError(
                    f"--choose compares ways of choosing, and {spec.text} is a selection of its own size",
                    "--select METHOD:SCORE, or leave --select out",
                )
            found += [] if spec.text == RANDOM else [AskedSet(spec, fraction)]
    return found


def _at_sizes(spec: Spec, fractions: Sequence[str]) -> list[AskedSet]:
    if spec.text == EVERYTHING:
        raise OptionError(
            f"a selection called {EVERYTHING!r} cannot be told from what is trained beside it",
            "prune select --name another",
        )
    if spec.is_stored or (spec.stages[-1].is_sized and not fractions):
        return [AskedSet(spec, None)]
    if not fractions:
        raise OptionError(
            f"{spec.text} wants to know how much to keep", "--fraction 0.3   # or several: 0.1,0.3"
        )
    return [AskedSet(spec, fraction) for fraction in fractions]
