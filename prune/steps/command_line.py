"""The command line of a verb: what it was asked for, as one would type it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.option_words import OF_TRAINING, command
from prune.steps.settings import DEFAULTS, Settings

_ELSEWHERE = {"store", "data", "settings"}  # the store knows where it and its dataset are
_USUAL = {"dtype": "float16", "quota_floor": 0}  # what need not be said
_KEPT = ("seed", "device", "on_error", "max_bad", "unlabelled")  # settings that change what comes out


def command_line(verb: str, given: Mapping[str, Any], settings: Settings) -> str:
    """Return `prune VERB …` for the parameters of a verb as it was called, without what is as by default.

    Numbers of a training that have no option are left out.
    """
    asked = {k: v for k, v in given.items() if k not in _ELSEWHERE | _NESTED}
    asked = {k: v for k, v in asked.items() if k not in _USUAL or v != _USUAL[k]}
    training = given.get("training") or {}
    asked |= {name: training.get(name) for name in OF_TRAINING}
    asked |= given.get("checkpoint") or {}
    asked |= {
        name: getattr(settings, name) for name in _KEPT if getattr(settings, name) != getattr(DEFAULTS, name)
    }
    return command(verb, asked)


_NESTED = {"training", "checkpoint"}  # mappings of parameters
