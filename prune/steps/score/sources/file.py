"""Scores that were computed elsewhere become columns, with what a high value means if the user says it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from prune.core.directions import MEANINGS
from prune.core.errors import OptionError
from prune.scorers import imported_scores
from prune.steps.dataset_session import Opened
from prune.steps.rejects import check_rejects
from prune.steps.score.all_scores import write_scores
from prune.steps.score.request import ProxyRequest


def import_columns(opened: Opened, path: str, names: Sequence[str], high: str | None) -> dict[str, str]:
    """Write one column `score.NAME` for each column of a file; return them, name -> identity.

    Parameters
    ----------
    names
        Columns to take; none: every numeric one.
    high
        What a high value means: one of `MEANINGS` for all columns, or `NAME=MEANING,…`. None: not known, so
        that nothing can be said about which samples are hard.

    Raises
    ------
    OptionError
        `high` is none of these, or names a column that is not imported.
    DataError
        The file cannot be read, or a sample of the dataset has no finite number in it.
    """
    given = _parsed(high)
    check_rejects(opened, opened.dataset.rejects)
    columns = imported_scores(path, opened.dataset, list(names) or None)
    meanings = _meanings(given, columns)
    published: dict[str, str] = {}
    for name, values in columns.items():
        recipe = {
            "method": "import",
            "high": meanings[name],
            "digest": hashlib.sha256(values.tobytes()).hexdigest(),
            "dataset": opened.fingerprint,
        }
        published |= write_scores(opened, name, recipe, {"": np.asarray(values, np.float32)})
    return published


def require_alone(
    request: ProxyRequest,
    training: Mapping[str, Any] | None,
    checkpoint: Mapping[str, str | None] | None,
    options: Sequence[str],
    on: str | None,
) -> None:
    """Raise OptionError where something was asked of scores of ours, and a file is imported."""
    proxy = (training or {}).get("proxy")
    named = {"--proxy": proxy, "--on": on}
    named |= {_MODEL[k]: v for k, v in (checkpoint or {}).items()}
    words = [f"{option} {value}" for option, value in named.items() if value is not None]
    words += [f"--set {word}" for word in options]
    request.require_none(
        "imported scores are taken as they are", words, "leave it out, or leave --import out"
    )


_MODEL = {"file": "--checkpoint", "factory": "--model", "mean": "--mean", "std": "--std"}


def require_meanings(high: str | None, imports: str | None) -> None:
    """Raise OptionError where `high` is no meaning, or belongs to nothing: before any file is read."""
    if high is not None and imports is None:
        raise OptionError(
            f"--high {high} says what imported scores mean, and none is imported",
            "prune score --import FILE --high hard; a score of ours has a meaning",
        )
    _parsed(high)


def _parsed(high: str | None) -> dict[str, str]:
    """Return {column: meaning}; the empty name stands for all columns."""
    given: dict[str, str] = {}
    for word in filter(None, (high or "").split(",")):
        name, equals, meaning = word.rpartition("=")
        name = name.strip()
        if meaning.strip() not in MEANINGS:
            raise OptionError(
                f"--high {word} does not say what a high value means", f"one of: {', '.join(MEANINGS)}"
            )
        if name in given or (equals and not name):
            raise OptionError(
                f"--high {high} names {name!r} twice" if name else f"--high {high} says two things", _FORM
            )
        given[name] = meaning.strip()
    if high is not None and not given:
        raise OptionError("--high is empty", _FORM)
    return given


_FORM = "--high hard for all columns, or --high NAME=hard,OTHER=easy"


def _meanings(given: dict[str, str], columns: Collection[str]) -> dict[str, str]:
    foreign = [name for name in given if name and name not in columns]
    if foreign:
        raise OptionError(
            f"--high names {foreign[0]!r}, which is not imported (imported: {', '.join(columns)})", _FORM
        )
    return {name: given.get(name, given.get("", "")) for name in columns}
