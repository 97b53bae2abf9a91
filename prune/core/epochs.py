"""The early epoch: the one at which a proxy's weights are kept, and which scorers read."""

from __future__ import annotations

import math

EARLY_EPOCH = 20
"""A tenth of the customary schedule of 200 epochs, where Paul et al. (arXiv:2107.07075) measure EL2N."""


ON_THE_WAY = 0.6
"""Of a short schedule: at its end the learning rate has fallen to nothing, what can be learned is learned,
and EL2N ranks as the loss does. Of 10 epochs the 6th agrees best with the 3rd and the 6th of 60, both
together: Spearman 0.58 and 0.70, the 10th 0.53 and 0.65 (`benchmarks/el2n_epoch.py`, 4,000 images of
CIFAR-10)."""


def error_epoch(t: int) -> int:
    """Return where scores of the error look in a trace of t epochs: after the 20th, or 6 in 10 of fewer."""
    return max(1, min(math.ceil(ON_THE_WAY * t), EARLY_EPOCH))


def early_epoch(t: int) -> int:
    """Return the epoch whose weights are kept for gradients: after the 20th, or after the last of fewer."""
    return min(t, EARLY_EPOCH)
