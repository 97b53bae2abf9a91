"""Which files of a folder are of the split that is read: by words in their names, `train` where none asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from prune.core.errors import OptionError
from prune.readers.folders.splits import canonical, split_of, words_in

_SHARD = re.compile(r"(\w+(?:[.-]\w+)*?)-\d{5}-of-\d{5}\b.*")


def split_of_file(name: str) -> str | None:
    """Return the split of a file by its path: what stands before `-00000-of-00002`, or a word for one."""
    shard = _SHARD.fullmatch(name.rpartition("/")[2])
    if shard:
        return canonical(shard[1])
    return next(iter(words_in(name).values()), None)


def by_split(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the files of each split; those whose names say nothing are of train."""
    splits: dict[str, list[str]] = {}
    for name in names:
        splits.setdefault(split_of_file(name) or "train", []).append(name)
    return splits


def choose(splits: Sequence[str], split: str | None, place: object) -> str:
    """Return the split that is meant; without a name, `train` or the only one.

    Raises
    ------
    OptionError
        There is no such split, or there are several and none is called train.
    """
    if split is None:
        training = [name for name in splits if meaning(name) == "train"]
        if "train" in splits or len(training) == 1:
            return "train" if "train" in splits else training[0]
        if len(splits) == 1:
            return splits[0]
        raise OptionError(f"{place} has several splits and none is called train", _choices(splits))
    if split not in splits:
        alike = [name for name in splits if meaning(name) == meaning(split)]
        if len(alike) == 1:
            return alike[0]
        raise OptionError(f"no split of {place} is called {split!r}", _choices(splits))
    return split


def meaning(split: str) -> str:
    """Return what a split is, in whatever spelling."""
    return (split_of(split) or canonical(split)).lower()


def _choices(splits: Sequence[str]) -> str:
    return f"choose: {' or '.join(f'--split {name}' for name in splits)}" if splits else "it has no splits"
