"""The command line of a verb: what it was asked for, as one would type it again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from prune.steps.score.request import training_words
from prune.steps.settings import DEFAULTS, Settings

_OPTIONS = {  # those that are not called like their parameter
    "types": "--type",
    "options": "--set",
    "imports": "--import",
    "file": "--checkpoint",
    "factory": "--model",
    "size": "--proxy-size",
}
_OF = {
    "embed": ("encoder", "weights", "features", "dtype"),
    "score": (
        *("types", "runs", "until_stable", "on_fraction", "cross_fit", "on", "options", "imports", "high"),
    ),
    "select": (
        *("method", "fraction", "count", "score", "quota", "quota_floor", "quota_cap", "quota_errors"),
        *("drop_hardest", "drop_by", "on", "given", "target", "target_split", "target_weights", "reweight"),
        *("options", "name"),
    ),
}
_PLAIN = {"dtype": "float16", "quota_floor": 0}  # what need not be said
_FILES = {"weights", "features", "imports", "file", "given", "target", "target_weights", "quota_errors"}
_NO_FILES = {"default", "random"}  # of --weights


def command_line(verb: str, given: Mapping[str, Any], settings: Settings) -> str:
    """Return `prune VERB …` for the parameters of a verb, without what is as it is by default.

    Files get their whole path, so that it does not matter where the command is typed. Keys that were given as
    a list, and numbers of a training that have no option, cannot be typed and are left out.
    """
    words = ["prune", verb]
    for name in _OF[verb]:
        words += _said(name, given.get(name))
    training = given.get("training") or {}
    for name in ("proxy", "size"):
        words += _said(name, training.get(name))
    words += [part for word in training_words(training) for part in word.split()]
    for name, value in (given.get("checkpoint") or {}).items():
        words += _said(name, value)
    for name in ("seed", "device", "on_error", "max_bad", "unlabelled"):
        value = getattr(settings, name)
        words += _said(name, None if value == getattr(DEFAULTS, name) else value)
    return shlex.join(words)


def _said(name: str, value: Any) -> Iterator[str]:
    if name == "given" and not isinstance(value, str):  # keys, in a list or an array
        return
    if value is None or (isinstance(value, list | tuple) and not value) or value == _PLAIN.get(name):
        return
    if name == "types" and not isinstance(value, str):
        value = ",".join(value)
    for one in value if isinstance(value, list | tuple) else [value]:
        yield _OPTIONS.get(name, f"--{name.replace('_', '-')}")
        if name in _FILES and one not in _NO_FILES:
            yield os.path.abspath(one)  # noqa: PTH100 - `resolve` would follow links and braces
        else:
            yield str(one)
