"""How the images of a dataset are decoded, all alike: how large they may be, and what is white in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prune.core.errors import OptionError

MAX_PIXELS = 40_000_000
MOST_PIXELS = MAX_PIXELS * 100  # that a user may allow
MAX_SIDE = 65_535  # a row of a picture costs memory of its own, however short it is
DEEP = 16  # bits of a deep picture that uses all of them
SHALLOW = 8

_JPEG = 8  # times the limit that a JPEG may be, if so much less of it is decoded
_PASSES = 2  # likewise, where the decoder holds all of it for several passes
_ADVISED = 16  # times the default that a user may be told to allow: what is larger is no photograph


class UnreadableImageError(ValueError):
    """An image is broken, of an unknown kind or too large; the message is a short reason."""


@dataclass(frozen=True)
class Decoding:
    """Defaults are what an image needs that nothing is known about."""

    max_pixels: int = MAX_PIXELS  # of one image, decoded
    bits: int = DEEP  # 2^bits is white in pictures of 16 bits a channel: 12 for X-rays of 12 bits

    @property
    def recipe(self) -> dict[str, Any]:
        """Return what differs from the defaults: goes into the recipe of a column."""
        limit = {} if self.max_pixels == MAX_PIXELS else {"max_pixels": self.max_pixels}
        return limit if self.bits == DEEP else {**limit, "bits": self.bits}

    def check(self, width: int, height: int) -> None:
        """Raise `UnreadableImageError` for a picture that is too large to hold."""
        if width * height > self.max_pixels:
            raise UnreadableImageError(self._too_large(width, height))
        if max(width, height) > MAX_SIDE:
            raise UnreadableImageError(f"{width}x{height} pixels is over the limit of {MAX_SIDE} a side")

    def check_jpeg(self, width: int, height: int, *, passes: bool) -> None:
        """Raise it for a JPEG whose whole size is too much, though only a fraction is to be decoded."""
        if width * height > self.max_pixels * (_PASSES if passes else _JPEG):
            raise UnreadableImageError(self._too_large(width, height))

    def _too_large(self, width: int, height: int) -> str:
        needed = -(-width * height // 1_000_000)
        advice = f"; --max-pixels {needed} allows it" if needed <= _ADVISED * MAX_PIXELS // 1_000_000 else ""
        limit = f"{self.max_pixels / 1_000_000:g} megapixels"
        return f"{width}x{height} pixels is over the limit of {limit}{advice}"


PLAIN = Decoding()


def pixels_of(megapixels: str | float | None) -> int:
    """Return the pixels that an image may have at most, of the option `--max-pixels`.

    Raises
    ------
    OptionError
        It is no number over 0, or one beyond all reason.
    """
    if megapixels is None:
        return MAX_PIXELS
    try:
        pixels = float(megapixels) * 1_000_000
    except ValueError:
        pixels = 0.0
    if not 1 <= pixels <= MOST_PIXELS:
        most = MOST_PIXELS // 1_000_000
        raise OptionError(
            f"--max-pixels {megapixels} is no number of megapixels up to {most}", "--max-pixels 50"
        )
    return round(pixels)
