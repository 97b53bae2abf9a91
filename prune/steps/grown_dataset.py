"""A dataset that grew, shrank or changed since the store was made: what of it is new, in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from prune.core.column_name import ColumnName
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.steps.replacement import Say, named
from prune.steps.stale_dataset import stale, too_different
from prune.store import Dataset, Growth, RowMatches, Store, match_rows
from prune.store.earlier_state import is_told

_SAME = 0.5  # of the samples of the smaller state that have to be in the other, for one dataset


@dataclass(frozen=True)
class GrownDataset:
    """The state that a store is about, and the one that is there now."""

    matches: RowMatches

    @classmethod
    def of(cls, store: Store, dataset: Dataset) -> GrownDataset | None:
        """Compare a dataset with that of a store; None where the store has none or the same.

        Raises
        ------
        StoreError
            The store is about another dataset or another part of it, or is damaged.
        """
        known = store.state.get("dataset") if store.exists() else None
        if known is None or known == dataset.fingerprint:
            return None
        old = store.earlier_dataset(known)
        if old is None or (old.split, old.modality, old.holdout) != (
            dataset.split,
            dataset.modality,
            dataset.holdout,
        ):
            raise stale(store, dataset)
        matches = match_rows(old, dataset)
        if matches.kept < _SAME * min(len(old), len(dataset)):
            raise too_different(store, dataset, matches.kept)
        return cls(matches)

    @property
    def described(self) -> dict[str, int]:
        """How many samples are what, JSON-able."""
        found = self.matches
        return {
            "new": found.added,
            "changed": found.changed,
            "moved": found.moved,
            "relabelled": len(found.relabelled),
            "removed": found.removed,
            "same": found.kept,
        }

    def __str__(self) -> str:
        told = self.described
        samples = _listed({name: told[name] for name in told if name != "same"}, "sample")
        files = _listed(_files(self.matches.old.sources, self.matches.new.sources), "file")
        if not samples and not files:
            return f"the dataset changed: {_of_the_whole(self.matches.old, self.matches.new)}"
        return f"the dataset changed: {'; '.join(words for words in (files, samples) if words)}"


def tell_carried(store: Store, name: str, counts: tuple[int, int], say: Say, *, learnt: bool) -> None:
    """Say how many rows of a column are carried over, and how many are left to compute."""
    new, kept = counts
    say(f"{name}: {new:,} to encode, {kept:,} kept")
    if learnt:
        encoder = ColumnName(name).of
        again = in_store(shlex.join(["prune", "embed", "--encoder", encoder, "--refresh"]), str(store.path))
        say(f"what {encoder} learnt stays as it was, so that old rows stay true; to learn anew: {again}")


def tell_earlier(store: Store, say: Say) -> None:
    """Say what a store still holds of the dataset as it was, and does not show."""
    earlier = store.earlier
    held = [name for name in sorted(earlier.columns) if is_told(name)]
    held += [f"selection {name}" for name in sorted(earlier.selections)]
    if held:
        look = in_store("prune status", str(store.path))
        say(f"still of the dataset before: {named(held)}; {look} says how to go on")


def growth_of(
    grown: GrownDataset | None, growth: Growth, name: str | None, read: int, kept: int
) -> dict[str, int] | None:
    """Return what changed since the state before, and what was read for it; None where nothing did.

    Parameters
    ----------
    name
        The column whose rows were carried over: another command may have taken in the dataset before.
    """
    if grown is None and kept and name is not None and (before := growth.earlier_of(name)) is not None:
        matches = growth.matches(before[0])
        grown = None if matches is None else GrownDataset(matches)
    return None if grown is None else {**grown.described, "read": read, "kept": kept}


def _files(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, int]:
    """Return how many source files are what, told by name and SHA-256."""
    gone = [name for name in before if name not in now]
    came = [name for name in now if name not in before]
    left = {before[name] for name in gone}
    moved = {now[name] for name in came} & left
    return {
        "new": sum(now[name] not in moved for name in came),
        "changed": sum(before[name] != now[name] for name in before.keys() & now.keys()),
        "moved": sum(now[name] in moved for name in came),
        "removed": sum(before[name] not in moved for name in gone),
    }


def _listed(counts: Mapping[str, int], noun: str) -> str:
    """Write counts in a row: `3 files new, 1 changed`; nothing where all are 0."""
    held = [(what, count) for what, count in counts.items() if count]
    if not held:
        return ""
    (first, count), *rest = held
    return ", ".join([f"{counted(count, noun)} {first}", *(f"{n:,} {what}" for what, n in rest)])


def _of_the_whole(old: Dataset, new: Dataset) -> str:
    """Say what differs where every sample and file is as it was."""
    if old.classes != new.classes:
        return f"classes are {', '.join(new.classes[:8])}, not {', '.join(old.classes[:8])}"
    return "samples are in another order" if old.format == new.format else f"it is {new.format} now"
