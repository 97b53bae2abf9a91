"""Micro-batches: how many samples go through a network at once, fewer once a device's memory was short."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from prune.core.errors import OptionError
from prune.core.progress import SILENT

Found = TypeVar("Found")

_HINT = "make --proxy-size smaller, wait until the device is free, or use --device cpu"


class MicroBatch:
    """What was learned about the memory of a device, for all passes of one command.

    Parameters
    ----------
    say
        Told when fewer samples go at once from here on.
    """

    def __init__(self, say: Callable[[str], None] = SILENT.say) -> None:
        self._say = say
        self._most: int | None = None

    def of(self, batch: int) -> int:
        """Return how many of a batch to try at once."""
        return batch if self._most is None else min(batch, self._most)

    def attempt(self, count: int, compute: Callable[[], Found]) -> Found | None:
        """Compute something of `count` samples; None where memory was short, and fewer are to be tried.

        Raises
        ------
        OptionError
            Not even one sample fits.
        """
        try:
            return compute()
        except torch.OutOfMemoryError as error:
            if count <= 1:
                raise OptionError(
                    "the device's memory does not hold the network and one image", _HINT
                ) from error
        self._lower(count, "")
        return None

    def shorten_steps(self, count: int) -> None:
        """Let training go on with fewer than `count` samples at once; two at least, for batch normalisation.

        Raises
        ------
        OptionError
            Two or three did not fit.
        """
        if count <= 3:
            raise OptionError("the device's memory does not hold a training step of two images", _HINT)
        self._lower(count, "; batch normalisation sees no more either, so the numbers are not quite the same")

    def _lower(self, count: int, so: str) -> None:
        self._most = min(self.of(count), count // 2)  # of proxies side by side, the least that any found
        self._say(f"the device's memory is short: the proxy goes on with {self._most} samples at a time{so}")
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.empty_cache()


def even_ends(n: int, most: int) -> list[int]:
    """Return where the pieces of a training step end: even ones of `most` samples at most, two at least.

    Of an odd number of samples in pieces of two, one has three.
    """
    count = max(1, min(-(-n // most), n // 2))
    return [n * (piece + 1) // count for piece in range(count)]
