"""Encoders by the name that the user types."""

from __future__ import annotations

from collections.abc import Callable

from prune.core.errors import OptionError
from prune.core.progress import SILENT
from prune.encoders.encode import Encoder
from prune.encoders.pixels import pixels
from prune.encoders.torchvision import torchvision


def open_encoder(
    name: str,
    *,
    weights: str | None = None,
    device: str = "cpu",
    seed: int = 0,
    say: Callable[[str], None] = SILENT.say,
) -> Encoder:
    """Return the encoder called `name`: `pixels`, or any classifier of torchvision.

    Raises
    ------
    UnknownNameError
        There is none of this name.
    OptionError
        It has no weights here, or has no use for them, or it is `precomputed`, which encodes no images.
    """
    if name == "precomputed":
        raise OptionError("the encoder precomputed reads a file", "add --features X.npy, or X.parquet")
    if name == "pixels":
        if weights is not None:
            raise OptionError(
                f"the encoder pixels has no weights, but got {weights!r}", "leave --weights out"
            )
        return pixels()
    return torchvision(name, weights=weights, device=device, seed=seed, say=say)
