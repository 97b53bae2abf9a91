"""A recipe as it is read from its file: steps in the order in which they run, every key checked."""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.steps.recipe.keys import VERBS, Key, SectionKeys, Verb, settings_keys
from prune.steps.recipe.lines import KeyPath, lines_of
from prune.steps.recipe.places import placed
from prune.steps.recipe.values import example, fits, kind_of

Given = dict[str, dict[str, Any]]  # parameters by the mapping that they go into; "": the verb's own


@dataclass(frozen=True)
class RecipeStep:
    """One step: a verb with what it is given."""

    verb: str
    name: str  # what `--only` calls it
    line: int
    given: Given


@dataclass(frozen=True)
class Recipe:
    """A chain: where its store and its data are, how all of it runs, and its steps."""

    file: Path
    store: str | None
    settings: Mapping[str, Any]
    data: str | None
    reading: Given
    steps: tuple[RecipeStep, ...]

    @property
    def folder(self) -> str:
        """Where the file lies, as it was named."""
        return "" if str(self.file.parent) == "." else str(self.file.parent)


def read_recipe(file: Path, verbs: Mapping[str, Verb]) -> Recipe:
    """Read a file.

    Raises
    ------
    OptionError
        It is not there, no TOML, or has a section, a key or a value that makes no sense; with the line.
    """
    reader = _RecipeReader(file, _text(file), verbs)
    return reader.recipe()


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        hint = (
            f"prune status --recipe --out {shlex.quote(str(file))}   # writes it, from a store that is there"
        )
        raise OptionError(f"there is no recipe {file}", hint) from error
    except UnicodeDecodeError as error:
        raise OptionError(f"{file} is no text in UTF-8", f"file {file}   # says what it is") from error


class _RecipeReader:
    """Walks over what `tomllib` read, and knows the line of each piece."""

    def __init__(self, file: Path, text: str, verbs: Mapping[str, Verb]) -> None:
        self.file = file
        try:
            self.held = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _no_toml(file, text, str(error)) from error
        self.lines = lines_of(text)
        self.keys = SectionKeys(verbs)
        self.folder = "" if str(file.parent) == "." else str(file.parent)

    def recipe(self) -> Recipe:
        top = {"store": Key("store", str), **settings_keys()}
        plain = {name: value for name, value in self.held.items() if name not in self.keys}
        own = self.section((), plain, top, self.keys)
        data = self.section(("data",), self._table("data"), self.keys["data"])
        path = data.get("", {}).get("path")
        store = own.get("", {}).get("store")
        return Recipe(
            file=self.file,
            store=None if store is None else placed("path", store, self.folder),
            settings=own.get("settings", {}),
            data=path,
            reading={name: of for name, of in data.items() if name},
            steps=tuple(sorted((step for verb in VERBS for step in self.steps(verb)), key=_turn)),
        )

    def steps(self, verb: str) -> list[RecipeStep]:
        """Return the steps of a verb: of `[verb]`, or of each `[[verb]]`."""
        held = self.held.get(verb, [])
        if isinstance(held, dict):
            sections: list[tuple[KeyPath, Any]] = [((verb,), held)]
        elif isinstance(held, list):
            sections = [((verb, number), one) for number, one in enumerate(held)]
        else:
            sections = [((verb,), held)]
        steps: list[RecipeStep] = []
        for number, (path, table) in enumerate(sections, 1):
            if not isinstance(table, dict):
                raise self.wrong((verb,), f"{verb} is a section", f"[{verb}]")
            given = self.section(path, table, self.keys[verb])
            own = given.get("", {})
            name = f"{verb}.{number}" if len(sections) > 1 else verb
            if verb == "select":
                name = f"{verb}.{own.get('name') or own.get('method', 'kcenter')}"
            if any(step.name == name for step in steps):
                what = f"two selections are called {name.removeprefix('select.')!r}"
                raise self.wrong(path, what, 'name = "another"')
            steps.append(RecipeStep(verb, name, self.line(path), given))
        return steps

    def section(
        self, path: KeyPath, table: Mapping[str, Any], keys: Mapping[str, Key], more: Iterable[str] = ()
    ) -> Given:
        """Return what a section gives, by the mapping that it goes into."""
        given: Given = {}
        for name, value in table.items():
            key = keys.get(name.replace("_", "-"))
            where = (*path, name)
            if key is None:
                raise self._unknown(where, name, keys, more)
            if not fits(value, key.hint):
                like = f"{name} = {example(key.hint, value)}"
                raise self.wrong(where, f"{name} is {kind_of(key.hint)}, not {_shown(value)}", like)
            of = given.setdefault(key.group, {})
            if key.parameter in of:
                raise self.wrong(where, f"{name} is there twice", "leave one of them out")
            of[key.parameter] = placed(key.parameter, value, self.folder)
        return given

    def _table(self, name: str) -> dict[str, Any]:
        table = self.held.get(name, {})
        if not isinstance(table, dict):
            raise self.wrong((name,), f"{name} is one section", f'{name}.path = "data/"')
        return table

    def _unknown(
        self, where: KeyPath, name: str, keys: Mapping[str, Key], more: Iterable[str]
    ) -> OptionError:
        section = f"[{where[0]}]" if len(where) > 1 else f"{self.file.name}"
        kind = "section" if len(where) == 1 and isinstance(self.held[name], dict | list) else "key"
        known = [*more] if kind == "section" else [*keys]
        near = difflib.get_close_matches(name.replace("_", "-"), known, n=1, cutoff=0.5)
        if near:
            hint = f"{near[0]} instead of {name}"
        elif of := [other for other, held in self.keys.items() if name.replace("_", "-") in held]:
            hint = f"{name} belongs into [{of[0]}]"
        else:
            hint = f"there are {', '.join(known)}"
        return self.wrong(where, f"{section} has no {kind} {name!r}", hint)

    def line(self, path: KeyPath) -> int:
        """Return the line of the nearest that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def wrong(self, path: KeyPath, what: str, hint: str) -> OptionError:
        """Return an error that names the line."""
        return OptionError(f"{self.file}, line {self.line(path)}: {what}", hint)


def _turn(step: RecipeStep) -> float:
    """Return when a step has its turn: what is chosen by evaluating is so before it is selected."""
    early = step.verb == "evaluate" and step.given.get("", {}).get("choose")
    return VERBS.index("select") - 0.5 if early else VERBS.index(step.verb)


def _no_toml(file: Path, text: str, said: str) -> OptionError:
    """Say where a text stops to be TOML, and show the line."""
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", said)
    what = said if found is None else said[: found.start()]
    rows = text.split("\n")
    line = int(found[1]) if found is not None and found[1] else len(rows)
    shown = rows[min(line, len(rows)) - 1].strip()
    told = f"{file}, line {line}: {what[:1].lower()}{what[1:]}"
    if "twice" in what and shown.startswith("["):
        return OptionError(
            f"{file}, line {line}: {shown} is there already", f"[{shown}] for each, or one alone"
        )
    return OptionError(told, f'name = "text", name = 0.3 or [section] in the place of {shown!r}')


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return repr(value)
