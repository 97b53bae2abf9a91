"""When a score looks early: one epoch, at which a proxy's weights are kept and which scorers read."""

from __future__ import annotations

EARLY_EPOCH = 20
"""A tenth of the customary schedule of 200 epochs, where Paul et al. (arXiv:2107.07075) measure EL2N."""


def early_epoch(t: int) -> int:
    """Return where scores look early in t epochs: after the 20th, or after the last of fewer."""
    return min(t, EARLY_EPOCH)
