"""The state file of a store: what it shows, and what to say where it shows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune.core.errors import StoreError
from prune.core.store_option import in_store
from prune.store.current_writer import current_writer
from prune.store.earlier_state import EarlierState
from prune.store.layout import COLUMNS, DATASETS, FORMAT, LOCATION, STATE, removal
from prune.store.unfinished import begun, unfinished
from prune.system import files
from prune.system.checksummed_json import unsealed

_OWN = "run your training with prune.trace.TraceWriter again"
_FIRST = ("prune score --type el2n DATA", "prune embed DATA")
_VERBS = ("score", "embed", "select")  # of several commands that did not end, the first is named


def nothing_shown() -> dict[str, Any]:
    """Return the state of a store that shows nothing yet."""
    return {"format": FORMAT, "columns": {}, "selections": {}}


def read_state(place: Path, commands: Mapping[str, str]) -> dict[str, Any]:
    """Return what a store shows: dataset, columns, selections, the latest selection.

    Parameters
    ----------
    commands
        What was typed to make what was shown once, as far as the store remembers it.

    Raises
    ------
    StoreError
        There is no store, its first command did not end, it is damaged, or a newer version wrote it.
    """
    path = place / STATE
    try:
        state = files.read_json(path)
    except FileNotFoundError as error:
        raise _absent(place, commands) from error
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} is damaged", _without(path)) from error
    if isinstance(state, dict) and isinstance(state.get("format"), int) and state["format"] > FORMAT:
        newer = f"{place} has format {state['format']}, this prune reads up to {FORMAT}"
        raise StoreError(newer, "pip install --upgrade dataset-prune")
    try:
        return _sound(unsealed(state))
    except ValueError as error:
        raise StoreError(f"{path} is damaged", _without(path)) from error


def is_store(place: Path) -> bool:
    """Whether there is a store, or what remains of one, or the beginning of one."""
    return (place / STATE).exists() or _holds_work(place)


def is_begun(place: Path, commands: Mapping[str, str]) -> bool:
    """Whether a first command was begun here, and none has shown anything yet."""
    return not (place / STATE).exists() and not commands and _holds_work(place)


def going_on(place: Path) -> str | None:
    """Return the command to type that goes on with what did not end, or None where nothing is known of it."""
    known = begun(place)
    verb = next((verb for verb in (*_VERBS, *sorted(known)) if verb in known), None)
    return None if verb is None else f"{in_store(known[verb], str(place))}   # goes on with what is there"


def _absent(place: Path, commands: Mapping[str, str]) -> StoreError:
    writer = current_writer(place)
    if writer is not None and not writer.is_this_process:
        look = in_store("prune status", str(place))
        return StoreError(f"{place} is not finished: {writer} is at work", f"{look}   # how far it is")
    if not is_begun(place, commands):
        made = sorted(words for words in commands.values() if not words.startswith("prune select "))
        if made:
            again = f"{in_store(made[0], str(place))}   # what is whole is not made again"
            return StoreError(f"there is no store at {place}: {STATE} is missing", again)
        first, other = (in_store(words, str(place)) for words in _FIRST)
        return StoreError(f"there is no store at {place}", f"{first}   # or: {other}")
    known = begun(place)
    if known:
        verbs = " and ".join(f"prune {verb}" for verb in sorted(known))
        return StoreError(f"{place} is not finished: {verbs} did not end", going_on(place) or "")
    if any(one.recipe.get("source") == "own" for one in unfinished(place, None)):
        return StoreError(f"{place} is not finished: a training of one's own did not end", _OWN)
    named = "" if (place / LOCATION).is_file() else " DATA"
    score, embed = (in_store(words.removesuffix(" DATA") + named, str(place)) for words in _FIRST)
    hint = f"{score}   # or, without labels: {embed}"
    return StoreError(f"{place} is not finished: nothing in it is shown yet", hint)


def _holds_work(place: Path) -> bool:
    """Whether anything lies there that a command can go on with."""
    inside = ((place / DATASETS).glob("*"), (place / COLUMNS).glob("*/*"))
    return bool(begun(place)) or any(any(found) for found in inside)


def _without(path: Path) -> str:
    return f"{removal(path)}   # then run the commands again: what is whole is not made again"


def _sound(state: dict[str, Any]) -> dict[str, Any]:
    kinds = {"format": int, "columns": dict, "selections": dict, "chosen": dict}
    sound = all(isinstance(state.get(name, {}), kind) for name, kind in kinds.items())
    if not sound or not {"format", "columns", "selections"} <= state.keys() or state["format"] < 1:
        raise ValueError("this is not the state of a store")
    names = [state.get("dataset", ""), state.get("latest", "")]
    if not all(
        isinstance(x, str) for x in [*state["columns"].values(), *state["selections"].values(), *names]
    ):
        raise ValueError("this is not the state of a store")
    EarlierState.of(state)
    return state
