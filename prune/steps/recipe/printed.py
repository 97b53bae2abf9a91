"""A recipe written from a store that was made by hand."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prune.core.errors import OutputError, StoreError
from prune.core.object_names import is_address
from prune.core.option_words import option, whole_path
from prune.steps.holdout import DRAWN
from prune.steps.recipe.keys import VERBS, Verb
from prune.steps.recipe.remembered import Section, remembered
from prune.steps.recipe.values import written
from prune.steps.settings import READING
from prune.steps.usual_export import usual_export
from prune.store import Store, read_selection
from prune.store.layout import LOCATION
from prune.system import files
from prune.system.local_paths import labels_at, real
from prune.system.os_errors import writing

_HEAD = "# Written by prune status --recipe, from what {store} remembers of its commands."
_EXPORT = """\
# Where selections were exported to, and what was checked, the store does not remember:
# [check]
# min-per-class = 1
# [export]
# format = "{form}"
# out = "smaller\""""


def printed(store: Store, verbs: Mapping[str, Verb], folder: Path | None) -> str:
    """Return the text of a file that makes again what the store shows.

    Parameters
    ----------
    folder
        Where the file will lie: what lies below is named as seen from there; None: whole paths.

    Raises
    ------
    StoreError
        The store is not there, or does not know where its dataset is.
    """
    store.require()
    sections = remembered(store, verbs)
    verbs_of = [verb for verb, _ in sections]
    rows = [_HEAD.format(store=_near(str(real(store.path)), folder)), ""]
    rows += [f"store = {written(_near(str(real(store.path)), folder))}", "", *_data(store, folder)]
    for verb in VERBS:
        for name, held in (one for one in sections if one[0] == verb):
            several = verbs_of.count(verb) > 1
            rows += ["", f"[[{name}]]" if several else f"[{name}]", *_keys(held, folder)]
            rows += _unsaid(store, (name, held))
    return "\n".join([*rows, "", _EXPORT.format(form=usual_export(store)), ""])


def write_recipe(path: Path, text: str) -> bool:
    """Write a file; whether it said that already.

    Raises
    ------
    OutputError
        There is a file that says something else, such as one that was edited.
    """
    data = text.encode("utf-8")
    if os.path.lexists(path):
        if path.is_file() and path.read_bytes() == data:
            return True
        hint = f"prune status --recipe --out {shlex.quote(str(path))}.new   # and compare the two"
        raise OutputError(f"{path} is there already, and says something else", hint)
    with writing(path.parent):
        files.write(path, data)
    return False


def _data(store: Store, folder: Path | None) -> list[str]:
    try:
        known = files.read_record(store.path / LOCATION)
        place, reading = known["data"], dict(known["reading"])
    except (OSError, ValueError, KeyError) as error:
        what = f"{store.path} does not know where its dataset is"
        raise StoreError(what, "prune score --type el2n DATA   # name it") from error
    drawn = reading.pop(DRAWN, 0)
    if "labels" in reading:  # as seen from the data
        reading["labels"] = labels_at(reading["labels"], place)
    rows = ["[data]", f"path = {written(_near(place, folder))}"]
    for name, value in reading.items():
        if name in READING and value is not None:
            rows.append(f"{option(name).removeprefix('--')} = {written(_valued(name, value, folder))}")
    return [*rows, f"seed = {drawn}"] if drawn else rows


def _valued(name: str, value: Any, folder: Path | None) -> Any:
    if name == "labels":
        return _near(str(value), folder)
    return value


def _keys(held: Mapping[str, Any], folder: Path | None) -> Iterable[str]:
    return (f"{name} = {written(_seen(value, folder))}" for name, value in held.items())


def _seen(value: Any, folder: Path | None) -> Any:
    if isinstance(value, list):
        return [_seen(one, folder) for one in value]
    return _near(value, folder) if isinstance(value, str) and Path(value).is_absolute() else value


def _near(place: str, folder: Path | None) -> str:
    """Return a path as seen from a folder that it lies below; any other as a whole."""
    whole = whole_path(place)
    if folder is None or is_address(whole) or not Path(whole).is_relative_to(whole_path(folder)):
        return whole
    return os.path.relpath(whole, whole_path(folder))


def _unsaid(store: Store, section: Section) -> list[str]:
    """Say what of a selection cannot be written down: keys that were given as a list."""
    verb, held = section
    if verb != "select" or "given" in held:
        return []
    name = held.get("name") or held.get("method", "kcenter")
    count = (read_selection(store, name).about.get("asked") or {}).get("given", 0)
    what = "keys that were chosen already came as a list, which the store does not remember"
    return [f"# {count} {what}: given = FILE"] if count else []
