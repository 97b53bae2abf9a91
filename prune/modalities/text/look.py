"""The beginning of a text, and the rest as far as there is room: in lines on a page, or all on one line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from prune.core.safe_text import number, readable
from prune.modalities.look import Look

_SEEN, _LINES = 280, 8  # characters and lines that are seen at once
_MORE = 4000  # characters that are seen on demand: all grids of a page stay under 1 MB
_WORD = 30  # characters that a cut goes back for the end of a word
_BREAK = " ⏎ "  # where a line ended
_BREAKS = re.compile(r"\s*\n\s*")


def text_look(text: str, settings: Any = None) -> Look:
    """Return the beginning of a text, and what follows up to 4,000 characters."""
    del settings  # a text is decoded already
    shown = readable(text[: _SEEN + _MORE]).strip("\n")
    end = _end(shown)
    seen, rest = shown[:end].rstrip(), shown[end:].strip("\n")
    return Look(text=seen, more=rest, more_about=_about(len(rest), len(text) - _SEEN - _MORE) if rest else "")


def with_caption(picture: Look, caption: str) -> Look:
    """Return the look of a picture and of the beginning of its caption."""
    words = text_look(caption)
    return replace(picture, text=words.text, more=words.more, more_about=words.more_about)


def one_line(text: str, most: int) -> str:
    """Return a text on one line, of at most so many characters; `⏎` stands where a line ended.

    What may do harm where it is shown is left as it is: who prints it makes it harmless.
    """
    head = text[: 2 * most]
    words = " ".join(_BREAKS.sub(_BREAK, "\n".join(head.splitlines()).strip()).split())
    if len(words) <= most and len(head) == len(text):
        return words
    return f"{words[: _word_end(words, most - 2)].rstrip()} …"


def _about(shown: int, beyond: int) -> str:
    """Return how much of a text follows, of which so many characters are beyond what is shown."""
    if beyond > 0:
        return f"{number(shown)} more characters; {number(beyond)} after these are in the dataset"
    return f"{number(shown)} more character{'' if shown == 1 else 's'}"


def _end(text: str) -> int:
    """Return where the beginning of a text ends: after some lines, or after a word."""
    ends = [at.start() for at in re.finditer("\n", text[:_SEEN])]
    if len(ends) >= _LINES:
        return ends[_LINES - 1]
    return len(text) if len(text) <= _SEEN + _WORD else _word_end(text, _SEEN)


def _word_end(text: str, most: int) -> int:
    """Return the end of the last word within so many characters; where there is none near, all of them."""
    if len(text) <= most or text[most : most + 1].isspace():
        return min(most, len(text))
    space = max(text.rfind(" ", 0, most), text.rfind("\n", 0, most))
    return space if space >= most - _WORD else most
