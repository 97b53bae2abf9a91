"""A selection that another one goes on from: what it kept, as rows of the dataset as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import OptionError, StoreError
from prune.core.selection import Selection
from prune.steps.select.request import keys_in
from prune.store import Dataset, Growth, Store, StoredSelection, read_earlier_selection, read_selection


@dataclass(frozen=True)
class KeptSelection:
    """What a selection kept."""

    name: str
    dataset: str  # fingerprint of the dataset that it was made on
    keys_sha256: str
    k: int  # samples that it kept
    rows: Rows  # those of them that are there still, in the order in which they were taken
    weighted: bool = False

    @property
    def described(self) -> dict[str, Any]:
        """What `selection.json` says of it."""
        return {
            "given": self.name,
            "dataset": self.dataset,
            "keys_sha256": self.keys_sha256,
            "k": self.k,
        }

    def churn(self, kept: Rows) -> dict[str, Any]:
        """Say what became of it in a selection that keeps these rows."""
        still = len(np.intersect1d(self.rows, kept))
        return {
            **self.described,
            "kept": still,
            "evicted": len(self.rows) - still,
            "gone": self.k - len(self.rows),
            "added": len(kept) - still,
        }


def given_in(store: Store, given: str | Path | Sequence[str] | None) -> tuple[list[str], str | None]:
    """Return the keys that `--given` lists, and the selection that it names instead.

    A file goes before a selection of the same name.

    Raises
    ------
    OptionError
        It is neither.
    """
    if isinstance(given, str | Path) and not Path(given).is_file():
        name, state = str(given), store.state
        known = sorted({*state["selections"], *store.earlier.selections})
        if name in known:
            return [], name
        listed = (
            f"selections: {', '.join(known)}" if known else "one key a line, as in keys.txt of a selection"
        )
        raise OptionError(f"--given {name} is no file of keys, and no selection of {store.path}", listed)
    return keys_in(given), None


def kept_selection(store: Store, dataset: Dataset, name: str) -> KeptSelection:
    """Return what a selection kept, of the dataset as it is or as it was before.

    Raises
    ------
    StoreError
        It is damaged, or the table of the samples that it was chosen from.
    """
    stored = read_earlier_selection(store, name) or read_selection(store, name)
    keys, ranks, then = _kept(stored)
    now = store.state["dataset"]
    rows = _rows_of(dataset, keys)
    if then != now:
        matches = Growth(store, dataset).matches(then)
        if matches is None:  # by its key alone, what was changed since would pass for what was kept
            raise StoreError(
                f"the samples that {name} was chosen from are not in {store.path} any more, or damaged",
                "leave --given out, or name a selection of the dataset as it is now",
            )
        places = pc.index_in(keys, value_set=matches.old.samples["key"].combine_chunks())
        before = np.full(len(matches.old), -1, np.int64)
        there = np.flatnonzero(matches.sample >= 0)
        before[matches.sample[there]] = there
        known = np.asarray(pc.fill_null(places, -1).to_numpy(), np.int64)
        rows = np.where(known >= 0, before[known], -1)
    in_order = rows[np.argsort(ranks, kind="stable")]
    return KeptSelection(
        name=name,
        dataset=then,
        keys_sha256=stored.about["keys_sha256"],
        k=len(keys),
        rows=in_order[in_order >= 0],
        weighted=stored.weights is not None,
    )


def digest_of_kept(store: Store, given: str, *, made: str) -> str:
    """Return the digest of the keys that a selection kept from which one called `made` goes on.

    Where that took the place of the one that it went on from, its record still tells: the same command again
    is the same choice.

    Raises
    ------
    StoreError
        There is no such selection, or it is damaged.
    """
    earlier = read_earlier_selection(store, given)
    about = (earlier or read_selection(store, given)).about
    churn = about.get("churn") or {}
    itself = earlier is None and made == given == churn.get("given")
    return str(churn["keys_sha256"] if itself else about["keys_sha256"])


def with_kept(kept: Rows, chosen: Selection) -> Selection:
    """Return a selection that begins with what was kept, of weight 1 and gain 0."""
    ones, none = np.ones(len(kept), np.float32), np.zeros(len(kept), np.float32)
    return Selection.of(
        np.concatenate([kept, chosen.rows]),
        np.concatenate([none, chosen.gains]),
        np.concatenate([ones, chosen.weights]),
        {**chosen.facts, "nested": False},
    )


def _kept(stored: StoredSelection) -> tuple[pa.Array, Rows, str]:
    """Return the kept keys, the rank of each, and the dataset that they are of."""
    table = stored.manifest_columns("key", "rank", "selected")
    table = table.filter(table["selected"])
    return table["key"].combine_chunks(), table["rank"].to_numpy(), stored.about["dataset"]["fingerprint"]


def _rows_of(dataset: Dataset, keys: pa.Array) -> Rows:
    places = pc.index_in(keys, value_set=dataset.samples["key"].combine_chunks())
    return np.asarray(pc.fill_null(places, -1).to_numpy(), np.int64)
