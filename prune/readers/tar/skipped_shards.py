"""Shards that cannot be read: all are named at once, and left out only where the user asked for it."""

from __future__ import annotations

from collections.abc import Mapping

from prune.core.errors import DataError, RejectsError
from prune.core.progress import Reporter
from prune.readers.sample import Reader, Unit

_SHOWN = 3


def name_of(unit: Unit) -> str:
    """Return what a piece of a dataset is called: its shard."""
    return unit.files[0] if unit.files else unit.name


def left_out(
    reader: Reader, failed: Mapping[str, DataError], count: int, reporter: Reporter
) -> dict[str, str]:
    """Say which of `count` shards are left out, and why.

    Raises
    ------
    DataError
        Shards failed, and the reader was not told to skip them; or all of them did.
    """
    if not failed:
        return {}
    reasons = {name: _reason(reader, name, error) for name, error in failed.items()}
    skips = bool(getattr(reader, "skip_shards", False))
    if not skips or len(failed) == count:
        raise _refused(failed, reasons, count, can_skip=not skips and hasattr(reader, "skip_shards"))
    shown = "; ".join(f"{name} {reason}" for name, reason in list(reasons.items())[:_SHOWN])
    more = f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    reporter.say(f"{len(reasons)} of {count} shards cannot be read and are left out: {shown}{more}")
    return reasons


def _reason(reader: Reader, name: str, error: DataError) -> str:
    """Return what is wrong with a shard, without the place where the dataset lies."""
    text = str(error)
    for place in (f"{reader.root / name} ", f"{reader.root}/"):
        text = text.replace(place, "")
    return text


def _refused(
    failed: Mapping[str, DataError], reasons: Mapping[str, str], count: int, *, can_skip: bool
) -> DataError:
    first = next(iter(failed.values()))
    skip = "; --skip-shards of embed and score leaves it out" if can_skip and count > 1 else ""
    if len(failed) == 1:
        error = DataError(str(first), f"{first.hint or 'run the command again'}{skip}")
    else:
        what = f"{len(failed)} of {count} shards cannot be read"
        error = RejectsError(what, list(reasons.items()), f"{first.hint}{skip.replace(' it ', ' them ')}")
    error.__cause__ = first.__cause__  # what the system said decides whether it may pass
    return error
