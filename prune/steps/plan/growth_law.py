"""How a number grows with the samples: a part that is there once, and a part a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

_NEAR = 1.25  # how far a forecast may be off where it was measured at that very size
_DECADE = 1.1  # and by how much more for each factor of ten beyond


@dataclass(frozen=True)
class StraightLine:
    """A straight line through two measurements."""

    once: float
    each: float

    @classmethod
    def through(cls, few: tuple[int, float], many: tuple[int, float]) -> StraightLine:
        """Return the line; it neither falls nor begins below 0."""
        (n, small), (m, large) = few, many
        if m <= n:
            return cls(0.0, large / m)
        each = min(max(0.0, (large - small) / (m - n)), large / m)
        return cls(max(0.0, large - each * m), each)

    def at(self, samples: float) -> float:
        """Return the number at so many samples."""
        return self.once + self.each * samples


def spread(measured: float, asked: float) -> float:
    """Return by what factor a forecast may be too small or too large, of so much more work."""
    decades = max(0.0, math.log10(max(asked, 1.0) / max(measured, 1.0)))
    return _NEAR * _DECADE**decades
