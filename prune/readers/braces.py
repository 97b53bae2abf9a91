"""The names that the braces of a pattern stand for: `shard-{000..099}.tar` and `{train,val}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prune.core.errors import OptionError

_RANGE = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.-?\d+)?\}")
_INNERMOST = re.compile(r"\{([^{}]*)\}")
MAX_NAMES = 1_000_000
_MANY = 10**12  # enough to know
_DIGITS = 4000  # as many as Python takes for a number


def expanded(pattern: str) -> Iterator[str]:
    """Yield the names that the braces of a pattern stand for, at most a million; globs stay as they are.

    Raises
    ------
    OptionError
        The braces are unbalanced, or stand for more.
    """
    from braceexpand import UnbalancedBracesError, braceexpand  # type: ignore[attr-defined]

    if _count(pattern) > MAX_NAMES:  # the library would hold them all
        raise OptionError(f"{pattern} names over {MAX_NAMES} shards", "name fewer")
    try:
        yield from braceexpand(pattern)
    except UnbalancedBracesError as error:
        raise OptionError(
            f"the braces of {pattern} are unbalanced", "for example 'shard-{000..099}.tar'"
        ) from error


def _count(pattern: str) -> int:
    """Return how many names the braces of a pattern stand for, without making one."""
    text = pattern.replace("\0", "")
    while found := _INNERMOST.search(text):
        span = _RANGE.fullmatch(found[0])
        if span:
            names = abs(int(span[2][:_DIGITS]) - int(span[1][:_DIGITS])) + 1
        else:
            names = sum(_product(word) for word in found[1].split(","))
        text = f"{text[: found.start()]}\0{min(names, _MANY)}\0{text[found.end() :]}"
    return _product(text)


def _product(text: str) -> int:
    product = 1
    for count in text.split("\0")[1::2]:  # what `_count` left of the groups inside
        product = min(product * int(count), _MANY)
    return product
