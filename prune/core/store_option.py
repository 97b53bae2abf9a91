"""Advice about a store: the command to type, with the store where it is not the one that is taken anyway."""

from __future__ import annotations

import shlex


def in_store(command: str, store: str) -> str:
    """Return a command with the store that it is about, where that is not the one in the current folder."""
    words = command.split(" ", 2)
    if store == ".prune" or words[0] != "prune" or words[1:2] == ["methods"]:  # which looks into no store
        return command
    return " ".join([*words[:2], "--store", shlex.quote(store), *words[2:]])
