"""Parameters of the library as words of a command: the one place that knows how an option is typed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prune.core.object_names import address

OF_TRAINING = ("proxy", "size", "epochs", "flip", "peak_lr")  # fields of a training that have an option

_NAMES = {  # those that are not called like their parameter
    "types": "--type",
    "options": "--set",
    "imports": "--import",
    "file": "--checkpoint",
    "factory": "--model",
    "size": "--proxy-size",
    "peak_lr": "--lr",
    "as_": "--as",
    "fractions": "--fraction",
    "memory": "--max-memory",
}
FILES = frozenset(
    (
        "weights",
        "features",
        "imports",
        "file",
        "given",
        "target",
        "target_weights",
        "quota_errors",
        "labels",
        "drop_leaks",
        "drop_suspects",
        "test",
        "test_labels",
    )
)
_KEYS = {"given", "drop_suspects"}  # of samples, or a file of such
_OR_NAMES = {"weights", "given"}  # files, or names: of a model on the hub, of a selection
_OR_SPLIT = {"drop_leaks", "test"}  # files, or splits of the dataset
_NO_FILES = {"default", "random", "auto"}  # of --weights, of --drop-suspects


def option(name: str) -> str:
    """Return the option of a parameter."""
    return _NAMES.get(name, f"--{name.replace('_', '-')}")


def option_words(given: Mapping[str, Any]) -> list[str]:
    """Return parameters as one would type them, without those that are None or empty.

    Files get their whole path, so that it does not matter where the command is typed. Keys that were given as
    a list cannot be typed and are left out.
    """
    return [word for name, value in given.items() for word in _said(name, value)]


def without_option(
    words: Sequence[str], option: str, leaves: Callable[[str], bool] = lambda _: True
) -> list[str]:
    """Return words without an option and its value, as often as it is given with one that leaves."""
    kept = list(words)
    for at in range(len(words) - 2, -1, -1):
        if words[at] == option and leaves(words[at + 1]):
            del kept[at : at + 2]
    return kept


def whole_path(place: str | os.PathLike[str]) -> str:
    """Return an absolute path, with its links and braces as they are; an address as it is."""
    return address(place) or os.path.abspath(place)  # noqa: PTH100 - `resolve` would follow links and braces


def _said(name: str, value: Any) -> Iterator[str]:
    if name in _KEYS and not isinstance(value, str | os.PathLike):  # in a list or an array
        return
    if value is None or (isinstance(value, list | tuple) and not value):
        return
    if isinstance(value, bool):
        yield option(name if value else f"no_{name}")
        return
    if name == "types" and not isinstance(value, str):
        value = ",".join(value)
    for one in value if isinstance(value, list | tuple) else [value]:
        yield option(name)
        yield whole_path(one) if _is_place(name, one) else str(one)


def _is_place(name: str, one: Any) -> bool:
    if name in _OR_SPLIT and os.sep not in str(one) and not os.path.lexists(one):  # the name of a split
        return False
    if name in _OR_NAMES and not os.path.lexists(one):
        return False
    return name in FILES and one not in _NO_FILES


def command(verb: str, given: Mapping[str, Any]) -> str:
    """Return `prune VERB …` with these parameters."""
    return shlex.join(["prune", verb, *option_words(given)])
