"""The settings of a run, from the options that verbs share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from prune.commands.console import reporter
from prune.system.cores import core_count

if TYPE_CHECKING:
    from prune.steps.settings import Settings


def run_settings(typed: Mapping[str, Any]) -> Settings:
    """Return what the options of a command say of its run.

    Parameters
    ----------
    typed
        The parameters of the command by name, as `locals()` has them; those that are no settings are passed
        over.
    """
    from prune.steps.settings import READING, Settings
    from prune.system.memory import parse_memory

    known = {field.name for field in dataclasses.fields(Settings)}
    given: dict[str, Any] = {name: value for name, value in typed.items() if name in known}
    for name, value in given.items():
        if isinstance(value, StrEnum):
            given[name] = value.value
    if "workers" in given and typed["workers"] is None:
        given["workers"] = 0 if given.get("executor") == "ray" else core_count()  # of ray: as many as it has
    if typed.get("max_memory") is not None:
        given["memory"] = parse_memory(typed["max_memory"])
    asked = {name: typed.get(name) for name in READING}
    reading = {
        name: value if value is True else str(value)
        for name, value in asked.items()
        if value is not None and value is not False
    }
    return Settings(**given, reading=reading, reporter=reporter(quiet=typed["quiet"]))
