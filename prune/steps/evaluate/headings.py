"""What all trainings of a setting share, in words, and what tells settings of the same words apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune.steps.evaluate.protocol import protocol_of

PROBES = {"linear", "probe"}  # models that look at an embedding: biased towards what was chosen in it
KIND = (
    "a {} on a fixed embedding is kind to what covers it (kcenter, facility_location, herding) and to small "
    "sets"
)


@dataclass(frozen=True)
class Heading:
    """What is trained, for how long, and on which labels."""

    model: str
    protocol: str
    label_noise: float
    apart: tuple[str, ...] = ()  # what tells it from others of the same words, such as `seed 1`

    @property
    def bias(self) -> str:
        """What it is too kind to; nothing of a network that looks at the samples themselves."""
        return KIND.format(self.model) if self.model in PROBES else ""

    def __str__(self) -> str:
        noise = [f"{100 * self.label_noise:g} % of the labels wrong"] if self.label_noise else []
        return ", ".join([self.model, self.protocol, *noise, *self.apart])


def headings_of(recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, Heading]:
    """Return the heading of each setting, given the recipe of one of its cells."""
    alike: dict[Heading, list[str]] = {}
    for setting, recipe in recipes.items():
        model, protocol = recipe["training"]["proxy"], protocol_of(recipe["protocol"]).in_short
        plain = Heading(model, protocol, (recipe["noise"] or {}).get("rate", 0.0))
        alike.setdefault(plain, []).append(setting)
    found: dict[str, Heading] = {}
    for plain, settings in alike.items():
        words = _apart([_flat(recipes[setting]) for setting in settings])
        for setting, apart in zip(settings, words, strict=True):
            found[setting] = Heading(plain.model, plain.protocol, plain.label_noise, tuple(apart))
    return found


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an evaluation is set to, by the names of single values."""
    test, noise = recipe["test"], recipe["noise"] or {}
    return {
        "test set": str(test["data"])[:8],
        "test split": test.get("split"),
        **{key.replace("_", " "): value for key, value in recipe["training"].items()},
        "noise seed": noise.get("seed"),
        "batch": recipe["protocol"]["batch"],
        "inputs": recipe["inputs"].get("name"),
        "device": recipe["device"],
        "precision": recipe["precision"],
        "data": str(recipe["data"])[:8],
    }


def _apart(recipes: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return of each the values that are not the same for all: nothing of one alone."""
    names = list(dict.fromkeys(name for recipe in recipes for name in recipe))
    differ = [name for name in names if any(one.get(name) != recipes[0].get(name) for one in recipes)]
    return [[f"{name} {_word(one.get(name))}" for name in differ] for one in recipes]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
