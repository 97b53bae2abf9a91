"""What is asked of a plan: which chain, for how many samples, on what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.core.methods import find
from prune.exporters import EXPORTERS
from prune.selectors import SELECTORS
from prune.steps.recipe.keys import Verb
from prune.steps.recipe.recipe import Given, Recipe, RecipeStep, read_recipe

USUAL = Path("prune.toml")
FORECAST = ("embed", "score", "select", "export")  # verbs that a plan knows; others look, or train on purpose


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """Options that name the chain, and the machines; None: as the file has it, or as the README does."""

    recipe: str | Path | None = None
    encoder: str | None = None
    weights: str | None = None
    types: Sequence[str] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None
    fraction: str | float | None = None
    target: str | None = None
    format: str | None = None
    samples: float | None = None
    machines: int = 1
    gpus: int = 0  # of each machine
    price: float | None = None  # an hour, of a GPU where there are any, else of a machine

    def __post_init__(self) -> None:
        if self.samples is not None and not (math.isfinite(self.samples) and self.samples >= 1):
            raise OptionError(f"--samples {self.samples:g} is not at least 1", "--samples 1e9")
        if self.machines < 1:
            raise OptionError(f"--machines {self.machines} is not at least 1", "--machines 8")
        if self.gpus < 0:
            raise OptionError(f"--gpus {self.gpus} is not at least 0", "--gpus 8")
        if self.price is not None and not (math.isfinite(self.price) and self.price >= 0):
            raise OptionError(f"--price {self.price:g} is not at least 0", "--price 2.5")
        if self.method not in {None, "auto"}:
            find("selector", str(self.method), SELECTORS)
        if self.format is not None:
            find("export format", self.format, EXPORTERS)
        if self.recipe is not None and self.names_chain:
            what = f"--recipe {self.recipe} has a chain, and the other options name one"
            raise OptionError(what, "leave one of the two out")

    @property
    def names_chain(self) -> bool:
        """Whether any option says what is run."""
        asked = (self.encoder, self.weights, self.method, self.fraction, self.target, self.format)
        given = [value for value in self.training.values() if value is not None]
        return any(value is not None for value in asked) or bool([*self.types, *given])

    def recipe_in(self, verbs: Mapping[str, Verb]) -> Recipe | None:
        """Return the chain of the file that was named, or of the one that lies here; None: neither."""
        if self.recipe is None and (self.names_chain or not USUAL.is_file()):
            return None
        return read_recipe(Path(self.recipe or USUAL), verbs)

    def chain(self, *, learns: bool, form: str) -> tuple[RecipeStep, ...]:
        """Return the chain that options name, and where they say nothing, that of the README.

        Parameters
        ----------
        learns
            Whether a proxy can learn from the samples: they are no features, and have labels.
        form
            The format that an export takes where nobody names one.
        """
        training = {name: value for name, value in self.training.items() if value is not None}
        steps: list[RecipeStep] = []
        embeds = self.encoder is not None or self.weights is not None
        scores = bool(self.types or training) or (learns and not embeds)
        if embeds or not scores:
            steps.append(_step("embed", encoder=self.encoder, weights=self.weights))
        if scores:
            given: Given = {"": {"types": list(self.types) or ["grad_norm"]}}
            steps.append(
                RecipeStep("score", "score", 0, given | ({"training": training} if training else {}))
            )
        method = self.method or "kcenter"
        decides = method in SELECTORS and bool(SELECTORS[method].sized_by)
        fraction = "0.3" if self.fraction is None and not decides else self.fraction
        steps.append(_step("select", method=method, fraction=fraction, target=self.target))
        steps.append(_step("export", format=self.format or form))
        return tuple(steps)


def _step(verb: str, **given: Any) -> RecipeStep:
    name = f"select.{given['method']}" if verb == "select" else verb
    return RecipeStep(
        verb, name, 0, {"": {name: value for name, value in given.items() if value is not None}}
    )
