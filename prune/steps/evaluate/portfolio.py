"""The selections that are compared where the user names none: few, since each makes the level stricter.

All go by one training of a proxy (`prune score --type aum,dual,el2n`) and its features. Below half, what
covers the dataset or keeps the middle of a score; from half on, leaving out the easy can pay, and below that
it leaves out what a network learns from.
"""

from __future__ import annotations

_SMALL = ("beta:dual", "stratified:aum", "kcenter", "facility_location")
_LARGE = ("stratified:aum", "d2:el2n", "top:el2n", "kcenter")
_HALF = 0.5


def portfolio(fraction: str) -> tuple[str, ...]:
    """Return the selections to compare at a fraction, in words."""
    return _LARGE if float(fraction) >= _HALF else _SMALL
