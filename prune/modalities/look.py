"""What one sees of a sample: a small picture, the beginning of a text, or why there is neither."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """A picture, or a text, or why there is neither."""

    uri: str | None = None  # data:image/…
    width: int = 0
    height: int = 0
    plain: bool = False  # few pixels, each of which is to be seen
    text: str | None = None  # its beginning: harmless characters, lines that end in \n
    more: str = ""  # what follows, as far as a page has room for it
    more_about: str = ""  # how much follows, in words
    missing: str | None = None  # why the sample itself is not to be seen
