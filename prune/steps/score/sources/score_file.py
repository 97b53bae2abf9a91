"""A file of scores that were computed elsewhere, and what a high value of each means, as words name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune.core.directions import MEANINGS
from prune.core.errors import OptionError
from prune.steps.score.proxy_request import ProxyRequest


@dataclass(frozen=True)
class ScoreFile:
    """What `--import`, `--type` and `--high` say of a file."""

    path: str
    names: tuple[str, ...]  # of its columns to take; none: every numeric one
    high: Mapping[str, str]  # of a column; the empty name stands for all

    @classmethod
    def of(cls, path: str | None, names: Sequence[str], high: str | None) -> ScoreFile | None:
        """Check what was asked before any file is read; None where none is named.

        Raises
        ------
        OptionError
            `high` is no meaning, or belongs to nothing.
        """
        if high is not None and path is None:
            raise OptionError(
                f"--high {high} says what imported scores mean, and none is imported",
                "prune score --import FILE --high hard; a score of ours has a meaning",
            )
        meanings = _parsed(high)
        return None if path is None else cls(path, tuple(names), meanings)

    def meanings(self, columns: Collection[str]) -> dict[str, str]:
        """Return what a high value of each of these columns means; nothing where nobody said it.

        Raises
        ------
        OptionError
            A column is named that is none of these.
        """
        foreign = [name for name in self.high if name and name not in columns]
        if foreign:
            raise OptionError(
                f"--high names {foreign[0]!r}, which is not imported (imported: {', '.join(columns)})", _FORM
            )
        return {name: self.high.get(name, self.high.get("", "")) for name in columns}


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
