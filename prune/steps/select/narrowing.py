"""What narrows a choice before it is made: an earlier selection, a condition, leaks, suspects, copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array, Rows
from prune.core.errors import OptionError, StoreError
from prune.core.progress import Reporter
from prune.steps.check.copies import COPY, SampleCopies, copies_under_lock
from prune.steps.check.leaks import LEAK, Leaks, leaks_under_lock
from prune.steps.select.request import SelectRequest
from prune.steps.select.suspect_list import SUSPECT, SuspectList, suspect_list
from prune.steps.select.where import FAILS, UNKNOWN, WhereFilter, where_filter
from prune.steps.settings import Settings
from prune.store import Store, read_selection
from prune.store.selections import StoredSelection, outdated_by

_OF_THE_CHOICE = {"given"}  # a reason that holds for the earlier choice alone


@dataclass(frozen=True)
class EarlierSelection:
    """A selection that another one is chosen within."""

    name: str
    keys_sha256: str
    kept: Rows
    reasons: Sequence[tuple[Rows, str]]  # of all others: those with each reason, once
    copies: Rows  # rows that the earlier selection dropped as copies
    originals: Rows  # of each of these the row that it is a copy of

    @property
    def described(self) -> dict[str, Any]:
        """What `selection.json` says of it."""
        return {"name": self.name, "keys_sha256": self.keys_sha256, "k": len(self.kept)}


@dataclass(frozen=True)
class Narrowing:
    """All that narrows one choice."""

    within: EarlierSelection | None = None
    leaks: Sequence[Leaks] = ()
    suspects: SuspectList | None = None
    where: WhereFilter | None = None
    copies: SampleCopies | None = None

    def left_out(self) -> Iterator[tuple[Rows, str]]:
        """Yield rows that may not be chosen, with their reason; what comes first decides."""
        if self.within is not None:
            yield from self.within.reasons
        if self.where is not None:
            yield self.where.failing, FAILS
            yield self.where.unknown, UNKNOWN
        for leaks in self.leaks:
            yield leaks.rows, LEAK
        if self.suspects is not None:
            yield self.suspects.rows, SUSPECT
        if self.copies is not None:
            yield self.copies.rows, COPY

    def partners(self, n: int) -> pa.Array:
        """Return for each of n samples the key of the held-out one that it leaks; null where it does not."""
        keys = np.full(n, None, object)
        for leaks in reversed(self.leaks):
            keys[leaks.rows] = leaks.partner_keys
        return pa.array(keys, pa.string())


def narrowing(
    store: Store, request: SelectRequest, settings: Settings, earlier: EarlierSelection | None = None
) -> Narrowing:
    """Read the earlier selection, ask the condition, look for leaks, suspects and copies; under the lock.

    Parameters
    ----------
    earlier
        What to choose within where that is no selection of the store; instead of the one asked for.
    """
    within = request.within
    if earlier is None and within is not None:
        earlier = earlier_selection(store, within, settings.reporter)
    found = Narrowing(
        earlier,
        tuple(leaks_under_lock(store, source, settings) for source in request.drop_leaks),
        suspect_list(store, request.drop_suspects),
        where_filter(store, request.condition, settings.reporter) if request.condition else None,
    )
    if not request.drop_duplicates:
        return found
    left = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in found.left_out())])
    return replace(found, copies=copies_under_lock(store, left, settings))


def current_selection(store: Store, name: str) -> StoredSelection:
    """Return a selection that another one may be chosen within.

    Raises
    ------
    StoreError
        There is no such selection, or what it was chosen by was made again since.
    """
    stored = read_selection(store, name)
    if (changed := outdated_by(store, stored)) is not None:
        raise StoreError(
            f"stale: {changed} was made again since the selection {name!r} was chosen by it", stored.again
        )
    return stored


def earlier_selection(store: Store, name: str, reporter: Reporter) -> EarlierSelection:
    """Return what a selection kept, and why it did not keep the others; errors of `current_selection`."""
    stored = current_selection(store, name)
    if stored.weights is not None:
        reporter.say(f"the weights of {name} are not carried on: --reweight gives new ones")
    table = stored.manifest
    kept = table["selected"].to_numpy()
    copy_of = table["duplicate_of"]
    copies = np.flatnonzero(~kept & copy_of.is_valid().to_numpy())
    return EarlierSelection(
        name=name,
        keys_sha256=stored.about["keys_sha256"],
        kept=np.flatnonzero(kept),
        reasons=_reasons_within(name, table["reason"], ~kept),
        copies=copies,
        originals=copy_of.take(pa.array(copies)).to_numpy(),
    )


def _reasons_within(name: str, reasons: pa.ChunkedArray, left: Array) -> list[tuple[Rows, str]]:
    """Return those of the rows that are left which have each reason."""
    found = reasons.combine_chunks().dictionary_encode()
    codes = pc.fill_null(found.indices, len(found.dictionary)).to_numpy()
    whys = [reason_within(name, reason) for reason in [*found.dictionary.to_pylist(), None]]
    own = np.array([whys.index(why) for why in whys])[codes]  # several reasons may come to one
    return [
        (np.flatnonzero(left & (own == whys.index(why))), why)
        for why in sorted(set(whys))
        if (left & (own == whys.index(why))).any()
    ]


def reason_within(name: str, reason: str | None) -> str:
    """Return why what a selection did not keep, for this reason, may not be chosen within it."""
    return f"not in {name}" if reason is None or reason in _OF_THE_CHOICE else reason


def stage_before(name: str, kept: Rows, n: int) -> EarlierSelection:
    """Return what a stage of a chain kept of n samples, for the next one to choose within."""
    others = np.setdiff1d(np.arange(n), kept)
    none = others[:0]
    return EarlierSelection(name, "", kept, [(others, f"not in {name}")], none, none)


def require_other_name(name: str, within: str | None) -> None:
    """Raise `OptionError` where a selection would replace the one that it is chosen within."""
    if name == within:
        raise OptionError(
            f"selection {name} would replace the one that it is chosen within", f"--name {name}-within"
        )
