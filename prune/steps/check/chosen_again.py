"""The command that makes a selection again with other options, so that it meets a condition."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from prune.store.selections import StoredSelection


def chosen_again(stored: StoredSelection, changed: Mapping[str, object], added: str = "") -> str:
    """Return the command of a selection with other options.

    Parameters
    ----------
    changed
        Option → its value, in the place of the one that was given, if any; None: without it.
    added
        Words that stand behind.
    """
    words = shlex.split(stored.again)
    for option, value in changed.items():
        words = _without(words, option)
        words += [] if value is None else [option, str(value)]
    return " ".join([shlex.join(words), *([added] if added else [])])


def with_floor(stored: StoredSelection, least: int, needed: int) -> str:
    """Return the command with a floor for classes, over which a budget of at least `needed` is split."""
    about = stored.about
    changed: dict[str, object] = {"--quota-floor": least, "--by": None}
    asked = about.get("asked") or {}
    if asked.get("quota", "none") == "none" or asked.get("by"):
        changed["--quota"] = "proportional"  # a floor is one of classes
    sized = "--fraction" in (words := shlex.split(stored.again)) or "--count" in words
    if not sized:  # what sizes it, such as a threshold, may leave a class less than the floor
        changed["--set"] = None
    if needed > about["k"] or not sized:
        changed |= {"--fraction": None, "--count": max(needed, about["k"])}
    return chosen_again(stored, changed)


def with_shares_of_classes(stored: StoredSelection) -> str:
    """Return the command with a budget in proportion to the classes, also within the columns of `--by`."""
    changed: dict[str, object] = {"--quota": "proportional"}
    columns = [name for name in str((stored.about.get("asked") or {}).get("by") or "").split(",") if name]
    if columns and "label" not in columns:
        changed["--by"] = ",".join(["label", *columns])
    return chosen_again(stored, changed)


def _without(words: list[str], option: str) -> list[str]:
    if option not in words:
        return words
    at = words.index(option)
    return words[:at] + words[at + 2 :]
