"""The tree of errors, and the exit code of each.

PruneError                 1  a bug, if it is raised as itself
├── OptionError            2  an option, a name or a number that makes no sense
│   ├── UnknownNameError   2  a method that does not exist; the hint has the nearest name
│   └── UnknownKeywordError 2 a keyword that a function does not have, likewise; also a TypeError
├── DataError              3  the dataset cannot be read
│   ├── RejectsError       3  it can, but for some samples
│   └── NoLabelsError      3  it can, but lacks labels that a score looks at
├── StoreError             4  the store is missing, busy, unfinished, stale, damaged or newer
│   ├── DamagedError       4  what is missing or damaged can be made again
│   └── MissingColumnError 4  a step has to run first
├── GateError              5  a check failed
└── OutputError            6  no space, read-only, or the folder is not ours
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.core.redaction import without_secrets
from prune.core.store_option import in_store

_SHOWN = 12  # names in a hint


class PruneError(Exception):
    """One sentence that says what is wrong, with the value; `hint` says what to type instead."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(without_secrets(message))
        self.hint = without_secrets(hint)
        if hint:
            self.add_note(f"try: {self.hint}")  # below a traceback, where there is one

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as it is: the arguments of a subclass made the words, and are gone."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[PruneError], args: tuple[Any, ...], state: Mapping[str, Any]) -> PruneError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class OptionError(PruneError):
    """An option has a value that makes no sense."""

    exit_code = 2


class UnknownNameError(OptionError):
    """A name that is in no table."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        hint = f"did you mean {near[0]!r}?" if near else f"known: {shown}; see prune methods"
        super().__init__(f"no {kind} is called {name!r}", hint)


class UnknownKeywordError(OptionError, TypeError):
    """A keyword argument that a function does not have."""

    def __init__(self, function: str, name: str, known: Iterable[str], hint: str = "") -> None:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = hint or (f"did you mean {near[0]!r}?" if near else f"{function} takes {', '.join(known)}")
        super().__init__(f"{function}() has no keyword {name!r}", hint)


class DataError(PruneError):
    """The dataset is missing, empty, ambiguous or damaged."""

    exit_code = 3


class RejectsError(DataError):
    """Some samples cannot be read; `rejects` lists (key, reason)."""

    def __init__(self, message: str, rejects: Sequence[tuple[str, str]], hint: str = "") -> None:
        super().__init__(message, hint)
        self.rejects = [(key, without_secrets(reason)) for key, reason in rejects]


class NoLabelsError(DataError):
    """Samples have no label, and what was asked for looks at labels: the same again would say so again."""


class StoreError(PruneError):
    """The store is missing, busy, unfinished, stale, damaged, of another dataset or of a newer version."""

    exit_code = 4


class DamagedError(StoreError):
    """A file of a store is missing or damaged; `what` has to be made again.

    Where it is raised, nobody knows by which command: `steps.recovery.advised` puts that into the hint.
    """

    def __init__(self, message: str, store: Path, what: str) -> None:
        look = in_store("prune verify", str(store))
        super().__init__(message, f"{look}   # names what is damaged, and what makes it again")
        self.store, self.what = store, what


class MissingColumnError(StoreError):
    """A column is asked for that no command has written yet."""


class GateError(PruneError):
    """A check that the user asked for did not pass; `result` is what was found, as JSON.

    Where no condition failed, but one could not be looked at, the exit code is that of what kept it from it.
    """

    exit_code = 5

    def __init__(
        self,
        message: str,
        hint: str = "",
        result: Mapping[str, Any] | None = None,
        exit_code: int = exit_code,
    ) -> None:
        super().__init__(message, hint)
        self.result, self.exit_code = dict(result or {}), exit_code


class OutputError(PruneError):
    """The place to write to has no space, is read-only, or holds something that is not ours."""

    exit_code = 6
