"""What a verb is called with for a step of a recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prune.core.methods import words
from prune.steps.recipe.recipe import Recipe, RecipeStep
from prune.steps.settings import Settings
from prune.system.memory import parse_memory

READS_DATA = ("embed", "score", "evaluate")


@dataclass(frozen=True)
class Caller:
    """Calls verbs for the steps of a recipe; what is asked for at the command line goes before the file."""

    recipe: Recipe
    settings: Settings
    seed: int | None = None
    device: Any = None

    def arguments(self, step: RecipeStep) -> dict[str, Any]:
        """Return the keyword arguments of the verb."""
        own = dict(step.given.get("", {}))
        if step.verb in READS_DATA:
            own["data"] = self.recipe.data
        if step.verb == "score":
            types = own.get("types", ())
            own["types"] = types.replace(",", " ").split() if isinstance(types, str) else types
        own |= {name: step.given[name] for name in ("training", "checkpoint") if name in step.given}
        if step.verb == "export":
            own["options"] = _options_of_format(step.given.get("options", {}))
            own.setdefault("out", _in(self.recipe.folder, _usual_folder(own)))
        if step.verb == "report":
            own.setdefault("out", _in(self.recipe.folder, "prune-report.html"))
        self._name_selection(step, own)
        return {**own, "settings": self.settings_of(step)}

    def settings_of(self, step: RecipeStep) -> Settings:
        """Return how a step runs: as said in its section, else for all of the file."""
        asked = {
            name: value for name, value in (("seed", self.seed), ("device", self.device)) if value is not None
        }
        data = self.recipe.reading
        given = {
            **self.recipe.settings,
            **asked,
            **data.get("settings", {}),
            **step.given.get("settings", {}),
        }
        if "memory" in given:
            given["memory"] = parse_memory(given["memory"])
        reading = {
            name: value if value is True else str(value)
            for name, value in data.get("reading", {}).items()
            if value is not False and step.verb in READS_DATA
        }
        return replace(self.settings, **given, reading=reading)

    def _name_selection(self, step: RecipeStep, own: dict[str, Any]) -> None:
        """Go by the last selection of the file, where none is named, and not by what the store had last."""
        name = self._last_selection()
        if name is None:
            return
        if step.verb in {"check", "export", "report"}:
            own.setdefault("selection", name)
        elif step.verb == "evaluate" and not own.get("choose"):
            own.setdefault("select", [name])

    def _last_selection(self) -> str | None:
        names = [selection_name(step) for step in self.recipe.steps if step.verb == "select"]
        return names[-1] if names else None


def selection_name(step: RecipeStep) -> str | None:
    """Return what a step calls its selection; None where that is told when it is made."""
    own = step.given.get("", {})
    name = own.get("name") or own.get("method", "kcenter")
    return None if name == "auto" and "name" not in own else name


def _options_of_format(given: Mapping[str, Any]) -> list[str]:
    layout = {"layout": "repack"} if "shard_size" in given else {}  # which is what makes shards of a size
    return words({**layout, **given})


def _usual_folder(own: Mapping[str, Any]) -> str:
    return f"{'rejected' if own.get('rejected') else 'pruned'}-{own.get('format')}"


def _in(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118 - "" stays as it is
