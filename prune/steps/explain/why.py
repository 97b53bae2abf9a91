"""Why samples were kept or dropped: what became of each, and all that is known of it."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array
from prune.core.column_name import SUSPECT, ColumnName
from prune.core.errors import OptionError
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.steps.explain.nearest_kept import KeptNeighbours
from prune.steps.explain.rules import rules_of
from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.rejects import all_rejects
from prune.steps.sample_place import place_words
from prune.steps.sample_words import SampleWords, texts_of
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store, StoredSelection, read_selection

_COPIES = 3  # that are named
_LOOKED = 20_000  # keys that a mistyped one is compared with


@named
@advised
def why(
    store: Store | str | Path = ".prune",
    keys: str | Sequence[str] = (),
    *,
    selection: str | None = None,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Say why samples were kept or dropped.

    Parameters
    ----------
    keys
        Of one sample, or of several.
    selection
        Which one; default: the latest.

    Returns
    -------
    dict
        store, selection, method, k, n, and samples, one for each key: key, row, place (in words), label,
        verdict (`kept`, `dropped`, `given` or `unusable`), why (a sentence), rank, gain, weight, cluster,
        class (kept, of), scores (value, percentile, high, suspect), duplicate_of, copies, nearest_kept;
        and texts: of each sample that is named, by key, how its text begins. Nothing of what is no text.

    Raises
    ------
    OptionError
        A key is not in the dataset.
    StoreError
        There is no such selection.
    """
    held = store if isinstance(store, Store) else Store(store)
    asked = [keys] if isinstance(keys, str) else list(keys)
    chosen = read_selection(held, selection)
    told = _Explanation(held, chosen)
    if not asked:
        first = shlex.quote(told.manifest["key"][0].as_py())
        raise OptionError("why wants at least one key", in_store(f"prune why {first}", str(held.path)))
    samples = [told.of(row) for row in _rows_of(told.manifest["key"], asked)]
    return {
        "store": str(held.path),
        "selection": chosen.name,
        "method": chosen.about["method"],
        "k": chosen.about["k"],
        "n": chosen.about["n"],
        "samples": samples,
        "texts": texts_of(SampleWords(held, told.dataset, settings), _mentioned(samples)),
    }


def _mentioned(samples: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys of all samples that are told of: those asked for, and those they are compared with."""
    near = [one["nearest_kept"]["key"] for one in samples if one["nearest_kept"]]
    originals = [one["duplicate_of"] for one in samples if one["duplicate_of"]]
    copies = [key for one in samples for key in one["copies"]["keys"]]
    return list(dict.fromkeys([*(one["key"] for one in samples), *near, *originals, *copies]))


class _Explanation:
    """A selection, opened to be asked about its samples."""

    def __init__(self, store: Store, chosen: StoredSelection) -> None:
        self.manifest = chosen.manifest
        self._about = chosen.about
        self.dataset = store.dataset
        self._unusable = all_rejects(store, self.dataset)
        self._rules = rules_of(store, chosen, self._unusable)
        self._neighbours = KeptNeighbours(store, chosen)
        self._usable = np.zeros(len(self.manifest), bool)  # what could have been kept: not what is held out
        self._usable[[row for row in self.dataset.usable.tolist() if row < len(self._usable)]] = True
        self._usable[[row for row in self._unusable if row < len(self._usable)]] = False

    def of(self, row: int) -> dict[str, Any]:
        """Return all that is known of one sample."""
        one = self.manifest.slice(row, 1).to_pylist()[0]
        ruling = self._rules.of(row)
        return {
            "key": one["key"],
            "row": row,
            "place": self._place(row),
            "label": one["label_name"],
            "verdict": ruling.verdict,
            "why": ruling.why,
            "rank": one["rank"],
            "gain": one["gain"] if one["selected"] else None,
            "weight": one["weight"] if one["selected"] else None,
            "cluster": one.get("cluster"),
            "class": self._class_of(one["label"]),
            "scores": {name: self._score(name, row) for name in self._about.get("directions", {})},
            "duplicate_of": one.get("duplicate_of_key"),
            "copies": self._copies(row),
            "nearest_kept": self._nearest(row),
        }

    def _place(self, row: int) -> str:
        sample = self.dataset.samples.slice(row, 1).to_pylist()[0]
        return place_words(sample, self.dataset.format)

    def _class_of(self, label: int | None) -> dict[str, int] | None:
        if label is None:
            return None
        mine = pc.fill_null(pc.equal(self.manifest["label"], label), False).to_numpy()
        return {
            "kept": int((mine & self.manifest["selected"].to_numpy()).sum()),
            "of": int((mine & self._usable).sum()),
        }

    def _score(self, name: str, row: int) -> dict[str, Any]:
        """Return a score, how many of 100 samples have less, and what high means."""
        values = self.manifest[ColumnName.score(name)].to_numpy()
        flag = ColumnName.score(name, SUSPECT)
        suspect = self.manifest[flag][row].as_py() if flag in self.manifest.column_names else None
        high = self._about["directions"][name]
        value = float(values[row])
        if not np.isfinite(value):
            return {"value": None, "percentile": None, "high": high, "suspect": suspect}
        return {
            "value": value,
            "percentile": _percentile(values[self._usable], value),
            "high": high,
            "suspect": suspect,
        }

    def _copies(self, row: int) -> dict[str, Any]:
        """Return how many samples name this one as their original, and the first of them."""
        rows = np.flatnonzero(pc.fill_null(pc.equal(self.manifest["duplicate_of"], row), False).to_numpy())
        keys = self.manifest["key"].take(pa.array(rows[:_COPIES])).to_pylist()
        return {"count": len(rows), "keys": keys}

    def _nearest(self, row: int) -> dict[str, Any] | None:
        found = None if row in self._unusable else self._neighbours.of(row)
        if found is None:
            return None
        other = self.manifest.slice(found.row, 1).select(["key", "label_name"]).to_pylist()[0]
        return {
            "key": other["key"],
            "label": other["label_name"],
            "distance": found.distance,
            "metric": found.metric,
            "in": found.column,
        }


def _percentile(values: Array, value: float) -> float:
    """Return the percentage of values that are lower, half of the equal ones among them."""
    known = values[np.isfinite(values)]
    return float(100 * ((known < value).sum() + 0.5 * (known == value).sum()) / len(known))


def _rows_of(keys: pa.ChunkedArray, asked: Sequence[str]) -> list[int]:
    """Return the row of each key.

    Raises
    ------
    OptionError
        One is not there; the hint is the nearest that is.
    """
    rows = pc.index_in(pa.array(asked, pa.string()), value_set=keys.combine_chunks()).to_pylist()
    lacking = [key for key, row in zip(asked, rows, strict=True) if row is None]
    if lacking:
        more = f", nor {counted(len(lacking) - 1, 'other key')}" if len(lacking) > 1 else ""
        near = _nearest_key(keys, lacking[0])
        listed = "keys are those of the manifest: prune status names the selections"
        raise OptionError(
            f"no sample has the key {lacking[0]!r}{more}", f"did you mean {near!r}?" if near else listed
        )
    return [int(row) for row in rows]


def _nearest_key(keys: pa.ChunkedArray, asked: str) -> str | None:
    """Return the key that was probably meant: of the same file name, else of the nearest spelling."""
    last = asked.rstrip("/").rpartition("/")[2]
    named = keys.filter(pc.match_substring(keys, last)) if last else keys.slice(0, 0)
    near = named if 0 < len(named) <= _LOOKED else _alike(keys, asked)
    found = difflib.get_close_matches(asked, near.to_pylist(), n=1, cutoff=0.5)
    if found:
        return found[0]
    return named[0].as_py() if len(named) else None


def _alike(keys: pa.ChunkedArray, asked: str) -> pa.ChunkedArray:
    """Return so many keys as can be compared letter by letter: those of nearly the same length first."""
    if len(keys) <= _LOOKED:
        return keys
    away = np.abs(pc.utf8_length(keys).to_numpy() - len(asked))
    return keys.take(pa.array(np.argsort(away, kind="stable")[:_LOOKED]))
