"""The command that makes a selection again with other options, so that it meets a condition."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping

from prune.core.option_words import without_option
from prune.selectors import SELECTORS
from prune.store.selections import StoredSelection


def chosen_again(
    stored: StoredSelection,
    changed: Mapping[str, object],
    added: str = "",
    unset: Collection[str] = (),
) -> str:
    """Return the command of a selection with other options.

    Parameters
    ----------
    changed
        Option → its value, in the place of those that were given, if any; None: without it.
    added
        Words that stand behind.
    unset
        Options of the method that are left out of `--set`.
    """
    words = shlex.split(stored.again)
    for option, value in changed.items():
        words = without_option(words, option)
        words += [] if value is None else [option, str(value)]
    words = without_option(words, "--set", lambda pair: pair.partition("=")[0].replace("-", "_") in unset)
    return " ".join([shlex.join(words), *([added] if added else [])])


def with_floor(stored: StoredSelection, least: int, needed: int) -> str:
    """Return the command with a floor for classes, over which a budget of at least `needed` is split."""
    about = stored.about
    changed: dict[str, object] = {"--quota-floor": least, "--by": None}
    asked = about.get("asked") or {}
    if asked.get("quota", "none") == "none" or asked.get("by"):
        changed["--quota"] = "proportional"  # a floor is one of classes
    sized = "--fraction" in (words := shlex.split(stored.again)) or "--count" in words
    if needed > about["k"] or not sized:
        changed |= {"--fraction": None, "--count": max(needed, about["k"])}
    # What sizes it, such as a threshold, may leave a class less than the floor, also beside a budget.
    return chosen_again(stored, changed, unset=SELECTORS[about["method"]].sized_by)


def with_shares_of_classes(stored: StoredSelection) -> str:
    """Return the command with a budget in proportion to the classes, also within the columns of `--by`."""
    changed: dict[str, object] = {"--quota": "proportional"}
    columns = [name for name in str((stored.about.get("asked") or {}).get("by") or "").split(",") if name]
    if columns and "label" not in columns:
        changed["--by"] = ",".join(["label", *columns])
    return chosen_again(stored, changed)
