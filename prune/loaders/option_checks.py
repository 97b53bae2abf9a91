"""What a keyword of a loader may be: a whole number that is not too small, or one of some words."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from prune.core.errors import OptionError
from prune.core.methods import whole

Word = TypeVar("Word", bound=str)


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number, of Python or of numpy, as one of Python.

    Raises
    ------
    OptionError
        It is another thing, such as 1.5, or below the least.
    """
    instead = f"{name}={least}"
    if (number := whole(value, name, instead)) < least:
        raise OptionError(f"{name}={number} is below {least}", instead)
    return number


def one_of(name: str, word: Word, known: Any) -> Word:
    """Return one of the words of a `Literal`, or raise `OptionError`."""
    words = get_args(known)
    if word not in words:
        raise OptionError(f"{name}={word!r} is not one of {', '.join(words)}", f"{name}={words[0]!r}")
    return word


def batch_size_of(size: int | None) -> int | None:
    """Return a number of samples, at least one; None where it was not said."""
    return None if size is None else whole_number("batch_size", size, 1)
