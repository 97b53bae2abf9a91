"""A model of the user's, as words name it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.core.errors import OptionError

FORM = "--checkpoint FILE --model module:factory"


@dataclass(frozen=True)
class Model:
    """What `--checkpoint`, `--model`, `--mean` and `--std` say."""

    file: str
    factory: str
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @classmethod
    def of(
        cls,
        file: str | None = None,
        factory: str | None = None,
        mean: str | None = None,
        std: str | None = None,
    ) -> Model | None:
        """Check what was asked; None where no model is named.

        Raises
        ------
        OptionError
            One of the options wants another one, or is not a number or three.
        """
        given = {"--model": factory, "--mean": mean, "--std": std}
        if file is None:
            for option, value in given.items():
                if value is not None:
                    raise OptionError(f"{option} {value} belongs to a checkpoint", FORM)
            return None
        if factory is None:
            raise OptionError(f"--checkpoint {file} wants --model, which makes the network", FORM)
        deviation = _numbers("--std", std)
        if deviation is not None and min(deviation) <= 0:
            raise OptionError(f"--std {std} is not over 0", "--std 0.229,0.224,0.225")
        return cls(file, factory, _numbers("--mean", mean), deviation)


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in {1, 3} or not np.isfinite(numbers).all():
        raise OptionError(
            f"{option} {text} is not a number, or three", f"of pixels from 0 to 1: {option} 0.485,0.456,0.406"
        )
    return numbers
