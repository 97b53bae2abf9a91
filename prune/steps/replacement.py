"""Replacement, said before it happens: columns, and the selections chosen by them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from prune.core.column_name import EVALUATION, deciding, of_kinds
from prune.core.errors import StoreError
from prune.store import Store, read_selection

Say = Callable[[str], None]

_SHOWN = 5  # names in a list


def named(names: Sequence[str]) -> str:
    """Write names in a row; of many, the first and how many more."""
    shown = list(names) if len(names) <= _SHOWN + 1 else [*names[:_SHOWN], f"{len(names) - _SHOWN} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def tell_replaced(store: Store, replaced: Collection[str], say: Say) -> None:
    """Say which shown columns are replaced, and which selections were chosen by one of them."""
    if not replaced:
        return
    say(f"replaced: {named(sorted(set(replaced)))}")
    stale = chosen_by(store, replaced)
    if stale:
        say(f"stale then, chosen by what is replaced: selection {named(stale)}")


def tell_hidden(store: Store, fingerprint: str, say: Say) -> None:
    """Say what is no longer shown once a store is about another dataset than it was."""
    if not store.exists() or store.state.get("dataset") in {None, fingerprint}:
        return
    state = store.state
    held = [
        *sorted(deciding(state["columns"])),
        *(f"selection {name}" for name in sorted(state["selections"])),
    ]
    held += ["evaluations"] if of_kinds(state["columns"], EVALUATION) else []
    if held:
        say(f"the data changed: when this is done, {named(held)} of the data before are no longer shown")


def chosen_by(store: Store, columns: Collection[str]) -> list[str]:
    """Return the selections that one of these columns decided, and that are not stale already."""
    found, shown = [], store.state["columns"]
    for name in sorted(store.state["selections"]):
        try:
            made = read_selection(store, name).about.get("from", {})
        except (StoreError, ValueError):
            continue
        if set(made) & set(columns) and all(shown.get(column) == of for column, of in made.items()):
            found.append(name)
    return found


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say what two plain recipes differ in: `dtype float16 → float32`."""
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return ", ".join(f"{name} {_short(old.get(name))} → {_short(new.get(name))}" for name in names)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:8]}…"
