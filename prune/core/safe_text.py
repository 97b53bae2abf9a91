"""Words from data, made safe to show: nothing in a key may move the cursor or turn the line around."""

from __future__ import annotations

import unicodedata

from prune.core.redaction import without_secrets

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_KEPT = "\t\u200c\u200d"  # of a text: tabs, and what joins letters and emoji, which turns nothing around


def printable(text: str) -> str:
    """Show control characters, right-to-left marks and lone surrogates as escapes, and no secrets."""
    text = without_secrets(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _is_shown(c) else _escape(c) for c in text)


def readable(text: str) -> str:
    """Show a text of several lines: each ends in a line feed, tabs stay, all else as `printable` has it.

    What joins letters and emoji stays too. Addresses are shown whole: a text is what somebody asked to see.
    """
    lines = text.splitlines()
    return "\n".join("".join(c if c in _KEPT or _is_shown(c) else _escape(c) for c in line) for line in lines)


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, with a sign where some are left out."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def one_line(error: BaseException | str, most: int = 160) -> str:
    """Return what an error of another program says, in a line that can be shown; of no words, its class."""
    text = " ".join(str(error).split())
    return shortened(printable(text), most) or type(error).__name__


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in _HIDDEN


def number(value: float) -> str:
    """Write a count with thousands separators, or a measurement with four digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def counted(count: int, noun: str) -> str:
    """Write a count with its noun: `1 sample`, `12 samples`, `2 classes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def size(count: float) -> str:
    """Write a number of bytes in a unit that fits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float) -> str:
    """Write a time span."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def roughly(seconds: float) -> str:
    """Write a time span that was foreseen: two digits, in a unit that fits."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0)):
        if seconds >= 1.5 * length:
            return f"{float(f'{seconds / length:.2g}'):,g} {unit}"
    return f"{max(seconds, 0.1):.1f} s"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
