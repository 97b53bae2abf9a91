"""How long a training is: so many steps of so many samples, whatever the number of samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingLength:
    """A number of steps, instead of a number of epochs; the last epoch may end before its samples do."""

    steps: int  # of the whole training, over which the learning rate rises and falls
    batch: int  # samples a step, as nearly as even steps of an epoch allow

    def ends(self, n: int) -> list[int]:
        """Return where each step of an epoch of n samples ends."""
        steps = steps_of_epoch(n, self.batch)
        return [n * (step + 1) // steps for step in range(steps)]


def steps_of_epoch(n: int, batch: int) -> int:
    """Return the even steps that an epoch of n samples is cut into, each as near to `batch` as can be.

    Rounded and not rounded up: of 130 samples in steps of 128, two steps of 65 would see half as much each.
    """
    return max(1, (2 * n + batch) // (2 * batch))
