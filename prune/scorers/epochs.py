"""Which epochs of a trace a score looks at: numbered from 1, as users count them, the last included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Trajectory
from prune.core.errors import OptionError
from prune.core.method_rows import Scorer

_WORDS = {2: "two", 3: "three"}

Window = npt.NDArray[np.float64]  # (J, n)


def at_epoch(trajectory: Trajectory, epoch: int | None, default: int | None = None) -> Array:
    """Return the (n,) numbers of one epoch as float64: `epoch`, else `default`, else the last.

    Raises
    ------
    OptionError
        `epoch` is not in 1 … t.
    """
    t = len(trajectory)
    number = next((e for e in (epoch, default) if e is not None), t)
    _require(number, t)
    return np.asarray(trajectory[number - 1], np.float64)


def between(trajectory: Trajectory, first: int | None, last: int | None, *, least: int = 1) -> Trajectory:
    """Return the epochs from `first` to `last`; by default all.

    Raises
    ------
    OptionError
        One of the two is not in 1 … t, or there are fewer than `least` epochs between them.
    """
    t = len(trajectory)
    start, stop = 1 if first is None else first, t if last is None else last
    for epoch in (start, stop):
        _require(epoch, t)
    if stop < start:
        raise OptionError(f"first={start} comes after last={stop}", f"the trace has epochs 1 to {t}")
    if stop - start + 1 < least:
        raise OptionError(
            f"epochs {start} to {stop} are fewer than the {least} that this score compares",
            f"train longer: --epochs {max(10, least)}" if t < least else "leave out first and last",
        )
    return trajectory[start - 1 : stop]


def windows(trajectory: Trajectory, window: int) -> Iterator[Window]:
    """Yield every run of `window` epochs, each one epoch later than the one before, as float64 (J, n).

    A trajectory shorter than that is one window.
    """
    length = min(window, len(trajectory))
    for start in range(len(trajectory) - length + 1):
        yield np.asarray(trajectory[start : start + length], np.float64)


def require_window(window: int, least: int) -> None:
    """Raise OptionError where a window has fewer than `least` epochs."""
    if window < least:
        raise OptionError(f"window={window} is not at least {least}", "window=10 is what the paper takes")


def remark(scorer: Scorer, options: Mapping[str, Any], t: int) -> str:
    """Say in what the windows of a score differ from what was asked; nothing if they do not."""
    if "window" not in options:
        return ""
    first, last = options.get("first") or 1, options.get("last") or t
    there, asked = last - first + 1, options["window"]
    name, several = scorer.name, scorer.windows
    if several * asked <= there:
        return ""
    if several > 1:
        held, most = f"{_WORDS.get(several, several)} windows of {asked}", there // several
        return f"{name}: {there} epochs do not hold {held}; it compares windows of {most}"
    return f"{name}: the window of {asked} epochs is cut to the {there} there are"


def _require(epoch: int, t: int) -> None:
    if not 1 <= epoch <= t:
        hint = f"train longer: --epochs {epoch}" if epoch > t else "the first epoch is epoch=1"
        raise OptionError(f"the trace has epochs 1 to {t}, not {epoch}", hint)
