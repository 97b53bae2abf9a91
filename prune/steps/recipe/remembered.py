"""The commands that a store remembers, as sections of a recipe."""

from __future__ import annotations

import os
import shlex
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from prune.core.column_name import EMBEDDING, EVALUATION, FIRST_RUN, SCORE, ColumnName, of_kinds, scores_among
from prune.core.option_words import OF_TRAINING, option, whole_path
from prune.steps.recipe.keys import Key, Verb, keys_of
from prune.steps.space_columns import embedding_name
from prune.store import Store, read_selection
from prune.store.layout import SELECTIONS

Section = tuple[str, dict[str, Any]]  # a verb, and what its section says


def remembered(store: Store, verbs: Mapping[str, Verb]) -> list[Section]:
    """Return the sections that make again what a store shows: columns, then selections, then evaluations."""
    known, shown = store.commands, store.columns
    sections: list[Section] = []
    for kind in ("embed", "score"):
        made = [name for name in shown if known.get(name, "").split(" ")[:2] == ["prune", kind]]
        made.sort(key=lambda name: (name != FIRST_RUN, name))  # what trains goes before what is taken of it
        made_by = [section_of(words, verbs) for words in dict.fromkeys(known[name] for name in made)]
        sections += made_by if kind == "embed" else _of_one_training(made_by)
    for name in _selections(store):
        words = known.get(f"{SELECTIONS}/{name}")
        if words is not None:
            sections.append(_unambiguous(store, name, section_of(words, verbs)))
    evaluated = dict.fromkeys(known[name] for name in of_kinds(shown, EVALUATION) if name in known)
    return sections + [section_of(words, verbs) for words in evaluated]


def _of_one_training(sections: Sequence[Section]) -> list[Section]:
    """Leave out how scores were trained that are of another training than the one there is, which is first.

    A second training would take its place in every run of the file; without words, scores are taken of it.
    """
    first = sections[0][1] if sections else {}
    words = {option(name).removeprefix("--") for name in OF_TRAINING}
    return [
        (verb, {k: v for k, v in held.items() if k not in words or v == first.get(k)})
        for verb, held in sections
    ]


def section_of(command: str, verbs: Mapping[str, Verb]) -> Section:
    """Return a command as a section: its options as keys."""
    _, verb, *words = shlex.split(command)
    keys = keys_of(verb, verbs[verb])
    held: dict[str, Any] = {}
    while words:
        name, equals, value = words.pop(0).partition("=")
        plain = name.removeprefix("--")
        flag = keys.get(plain, keys.get(plain.removeprefix("no-")))
        if not name.startswith("--") or flag is None:
            continue  # DATA, and how it is read, which the store remembers beside
        if plain not in keys:
            held[plain.removeprefix("no-")] = False
        elif _is_flag(flag):
            held[plain] = True
        else:
            _put(held, plain, flag, value if equals else words.pop(0))
    held.pop("refresh", None)
    return verb, held


def _is_flag(key: Key) -> bool:
    return key.hint is bool or bool in typing.get_args(key.hint)


def _put(held: dict[str, Any], name: str, key: Key, word: str) -> None:
    """Write a word down in the type that its key has; what is said several times becomes a list."""
    kinds = _kinds(key.hint)
    if name == "set":
        option, _, value = word.partition("=")
        held.setdefault(name, {})[option] = value
    elif key.parameter in {"types", "fractions"}:
        parts = word.split(",")
        held.setdefault(name, []).extend(_number(part) if float in kinds else part for part in parts)
    elif any(typing.get_origin(kind) is Sequence for kind in kinds) and key.parameter not in _ONE:
        held.setdefault(name, []).append(_place(key.parameter, word))
    elif int in kinds:
        held[name] = int(word)
    else:
        held[name] = _number(word) if float in kinds else _place(key.parameter, word)


_ONE = {"given", "drop_suspects"}  # in a command these are files


def _kinds(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in {types.UnionType, typing.Union}
    return typing.get_args(hint) if union else (hint,)


def _number(word: str) -> float | str:
    """Return a number, where it is written as it was typed; a text otherwise, which stays as it is."""
    try:
        number = float(word)
    except ValueError:
        return word
    return number if str(number) == word else word


def _place(parameter: str, word: str) -> str:
    """Return a path as a whole, so that it does not matter where the file lies."""
    names_place = parameter in {"test", "no_leak"} and (os.sep in word or os.path.lexists(word))
    return whole_path(word) if names_place else word


def _selections(store: Store) -> list[str]:
    """Return the selections, each behind the one that it was chosen within, the latest last."""
    state = store.state
    left = sorted(state.get("selections", {}), key=lambda name: (name == state.get("latest"), name))
    within = {name: (read_selection(store, name).about.get("within") or {}).get("name") for name in left}
    placed: list[str] = []
    while left:
        ready = next((name for name in left if within[name] not in left), left[0])
        left.remove(ready)
        placed.append(ready)
    return placed


def _unambiguous(store: Store, name: str, section: Section) -> Section:
    """Name the embedding and the score that decided, where there are others by now."""
    verb, held = section
    used = list(read_selection(store, name).about.get("from") or {})
    spaces, scores = of_kinds(used, EMBEDDING), list(of_kinds(used, SCORE))
    encoded = [space for space in of_kinds(store.columns, EMBEDDING) if space.of != "proxy"]
    if "on" not in held and len(spaces := list(spaces)) == 1:
        usual = None if len(encoded) > 1 else embedding_name(store, None)
        if usual != spaces[0]:
            held["on"] = ColumnName(spaces[0]).of
    by_score = "score" not in held and "drop-by" not in held
    if by_score and len(scores) == 1 and len(scores_among(store.columns)) > 1:
        held["score"] = ColumnName(scores[0]).of
    return verb, held
