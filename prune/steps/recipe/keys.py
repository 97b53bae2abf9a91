"""The keys of each section of a recipe: the options of its verb, as the signature of the verb has them."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prune.core.option_words import OF_TRAINING, option
from prune.steps.holdout import DRAWN
from prune.steps.settings import READING, Settings

# In the order in which they run: what does not pass a check is not exported.
VERBS = ("embed", "score", "select", "evaluate", "check", "export", "report")
SECTIONS = ("data", *VERBS)
Verb = Callable[..., dict[str, Any]]

_ELSEWHERE = {"store", "data", "settings", "dry_run", "return"}
_NOT_IN_FILES = {"reading", "reporter", "executor", "address", "share"}  # fields of settings
_OF_DATA = {"on_error", "max_bad", "unlabelled", "refresh"}
_PLAIN = {"size": "size"}  # of evaluate; the `--proxy-size` of score is in a group


@dataclass(frozen=True)
class Key:
    """What a key of a section is to the verb."""

    parameter: str
    hint: Any  # the type of its value
    group: str = ""  # the mapping that it goes into: training, checkpoint, options, settings or reading


def settings_keys() -> dict[str, Key]:
    """Return the keys that every section has, and the top of the file: how a step runs."""
    hints = typing.get_type_hints(Settings)
    fields = [field.name for field in dataclasses.fields(Settings) if field.name not in _NOT_IN_FILES]
    return {
        _spelled(name): Key(name, str if name == "memory" else hints[name], "settings") for name in fields
    }


def data_keys() -> dict[str, Key]:
    """Return the keys of `[data]`: where it lies, how it is read, and what draws the held-out part."""
    reading = {_spelled(name): Key(name, hint, "reading") for name, hint in READING.items()}
    settings = {name: key for name, key in settings_keys().items() if key.parameter in _OF_DATA}
    return {"path": Key("path", str), **reading, "seed": Key(DRAWN, int, "reading"), **settings}


def keys_of(verb: str, function: Verb) -> dict[str, Key]:
    """Return the keys of the section of a verb."""
    hints = typing.get_type_hints(function)
    keys: dict[str, Key] = {}
    for name, hint in hints.items():
        if name == "training":
            keys |= _training()
        elif name == "checkpoint":
            keys |= _checkpoint()
        elif name == "options" and verb == "export":
            keys |= _of_formats()
        elif name not in _ELSEWHERE:
            keys[_PLAIN.get(name) or _spelled(name)] = Key(name, hint)
    return keys | {name: key for name, key in settings_keys().items() if name not in keys}


class SectionKeys(Mapping[str, Mapping[str, Key]]):
    """The keys of every section, looked up when one is asked for: those of a training load torch."""

    def __init__(self, verbs: Mapping[str, Verb]) -> None:
        self._verbs, self._known = verbs, dict[str, dict[str, Key]]()

    def __getitem__(self, section: str) -> Mapping[str, Key]:
        if section not in self._known:
            known = data_keys() if section == "data" else keys_of(section, self._verbs[section])
            self._known[section] = known
        return self._known[section]

    def __contains__(self, section: object) -> bool:
        return section in SECTIONS

    def __iter__(self) -> Iterator[str]:
        return iter(SECTIONS)

    def __len__(self) -> int:
        return len(SECTIONS)


def _spelled(parameter: str) -> str:
    return option(parameter).removeprefix("--")


def _training() -> dict[str, Key]:
    from prune.proxy import Training  # loads torch

    hints = typing.get_type_hints(Training)
    return {_spelled(name): Key(name, hints[name], "training") for name in OF_TRAINING}


def _checkpoint() -> dict[str, Key]:
    from prune.steps.score.sources.model import Model  # loads torch

    hints = typing.get_type_hints(Model.of)
    return {_spelled(name): Key(name, hints[name], "checkpoint") for name in hints if name != "return"}


def _of_formats() -> dict[str, Key]:
    """Return the options of all formats of an export."""
    from prune.exporters import EXPORTERS

    keys: dict[str, Key] = {}
    for method in EXPORTERS.values():
        hints = typing.get_type_hints(method.function)
        keys |= {_spelled(name): Key(name, hints[name], "options") for name in method.options}
    return keys
