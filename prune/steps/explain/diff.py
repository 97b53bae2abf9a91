"""Two selections side by side: how much they share, what moved, in which classes and by which score."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array
from prune.core.column_name import scores_among
from prune.core.errors import OptionError
from prune.core.store_option import in_store
from prune.steps.explain.table_file import require_table, write_table
from prune.steps.export_selection import require_apart
from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.sample_words import SampleWords, texts_of
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store, StoredSelection, read_selection

_SHOWN = 5  # keys of each kind
LEFT, CAME = "left", "came"  # from the first selection to the second

_Mask = npt.NDArray[np.bool_]


@named
@advised
def diff(
    store: Store | str | Path = ".prune",
    a: str = "",
    b: str = "",
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Compare two selections.

    Parameters
    ----------
    a, b
        The first and the second: names, or `STORE:NAME` of another store, whose samples are found by key.
    out
        Also write the samples that moved: a .csv, .parquet or .jsonl file.
    overwrite
        Replace an earlier file at `out`.

    Returns
    -------
    dict
        store, a and b (selection, store, method, k, n), both, left (only in the first), came (only in the
        second), jaccard, classes (of each: a, b, both, left, came, churn), scores (means of left, both and
        came, what high means, and apart: the mean of came less that of left, in standard deviations; the
        farthest apart first), examples (keys), texts (how those begin, by key; nothing of what is no text),
        out and unchanged.

    Raises
    ------
    OptionError
        The two share no sample to compare.
    StoreError
        There is no such selection.
    """
    held = store if isinstance(store, Store) else Store(store)
    first, second = _selection(held, a), _selection(held, b)
    if out is not None:
        require_apart(held, Path(out))
        require_table(Path(out))
    table = _joined(held, first, second)
    result = {"store": str(held.path), **_compared(first, second, table)}
    examples = [key for keys in result["examples"].values() for key in keys]
    result["texts"] = texts_of(SampleWords(held, held.dataset, settings), examples)
    if out is None:
        return result
    new = write_table(_moved(table), Path(out), overwrite=overwrite)
    return result | {"out": str(out), "unchanged": not new}


def _selection(store: Store, name: str) -> StoredSelection:
    """Return a selection of this store, or of another one: `STORE:NAME`."""
    if not name:
        known = [*sorted(store.state["selections"]), "STORE:NAME", "STORE:NAME"][:2]
        raise OptionError(
            "diff compares two selections", in_store(shlex.join(["prune", "diff", *known]), str(store.path))
        )
    place, colon, of = name.rpartition(":")
    return read_selection(Store(place), of or None) if colon and place else read_selection(store, name)


def _joined(store: Store, first: StoredSelection, second: StoredSelection) -> pa.Table:
    """Return a row a sample of either dataset: key, label, rank in each, and its scores."""
    one, two = first.manifest, second.manifest
    keys, others = one["key"].combine_chunks(), two["key"].combine_chunks()
    place = pc.index_in(keys, value_set=others)
    if len(keys) and place.null_count == len(keys):
        raise OptionError(
            f"{first.folder} and {second.folder} share no sample: their datasets are others",
            in_store("prune status", str(store.path)),
        )
    lone = pc.invert(pc.is_in(others, value_set=keys))
    columns: dict[str, Any] = {}
    for name in ("key", "label_name"):
        own, more = one[name].combine_chunks(), two[name].combine_chunks()
        columns[name] = pa.concat_arrays([own, more.filter(lone)])
    columns["rank_a"] = _longer(one["rank"], int(pc.sum(lone).as_py() or 0))
    columns["rank_b"] = pa.concat_arrays(
        [two["rank"].combine_chunks().take(place), two["rank"].combine_chunks().filter(lone)]
    )
    for score in scores_among(dict.fromkeys([*one.column_names, *two.column_names])):
        columns[score] = _score(score, one, two, place, lone)
    return pa.table(columns)


def _longer(column: pa.ChunkedArray, more: int) -> pa.Array:
    return pa.concat_arrays([column.combine_chunks(), pa.nulls(more, column.type)])


def _score(name: str, one: pa.Table, two: pa.Table, place: pa.Array, lone: pa.Array) -> pa.Array:
    """Return a score as the first selection has it, of samples that it lacks as the second has it."""
    nothing = pa.nulls(len(one), pa.float32())
    theirs = two[name].combine_chunks() if name in two.column_names else pa.nulls(len(two), pa.float32())
    own = one[name].combine_chunks() if name in one.column_names else theirs.take(place)
    return pa.concat_arrays([own if len(own) else nothing, theirs.filter(lone)]).cast(pa.float32())


def _compared(first: StoredSelection, second: StoredSelection, table: pa.Table) -> dict[str, Any]:
    kept = table["rank_a"].is_valid().to_numpy(), table["rank_b"].is_valid().to_numpy()
    left, both, came = kept[0] & ~kept[1], kept[0] & kept[1], ~kept[0] & kept[1]
    union = int((kept[0] | kept[1]).sum())
    directions = {**second.about["directions"], **first.about["directions"]}
    return {
        "a": _about(first),
        "b": _about(second),
        "both": int(both.sum()),
        LEFT: int(left.sum()),
        CAME: int(came.sum()),
        "jaccard": int(both.sum()) / union if union else 1.0,
        "classes": _classes(table["label_name"], left, both, came),
        "scores": _scores(table, left, both, came, directions),
        "examples": {
            LEFT: _examples(table, left, "rank_a"),
            CAME: _examples(table, came, "rank_b"),
        },
    }


def _about(chosen: StoredSelection) -> dict[str, Any]:
    known = {name: chosen.about[name] for name in ("method", "k", "n")}
    return {"selection": chosen.name, "store": str(chosen.folder.parent.parent), **known}


def _classes(labels: pa.ChunkedArray, left: _Mask, both: _Mask, came: _Mask) -> list[dict[str, Any]]:
    """Return what became of each class; churn is the part of what either kept that is not in both."""
    coded = labels.combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy()
    size = len(coded.dictionary)
    counts = [np.bincount(codes[mask & (codes >= 0)], minlength=size) for mask in (left, both, came)]
    found = []
    for name, out, stay, new in zip(coded.dictionary.to_pylist(), *counts, strict=True):
        told = {LEFT: int(out), "both": int(stay), CAME: int(new)}
        told |= {"a": int(out + stay), "b": int(new + stay)}
        all_of_it = int(out + stay + new)
        found.append({"class": name, **told, "churn": (int(out + new) / all_of_it) if all_of_it else 0.0})
    return sorted(found, key=lambda one: str(one["class"]))


def _scores(
    table: pa.Table, left: _Mask, both: _Mask, came: _Mask, directions: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the means of each score, and how far those that left and those that came are apart."""
    found: dict[str, dict[str, Any]] = {}
    for name in scores_among(table.column_names):
        values = table[name].to_numpy().astype(np.float64)
        means = {LEFT: _mean(values[left]), "both": _mean(values[both]), CAME: _mean(values[came])}
        known = values[np.isfinite(values)]
        spread = float(known.std()) if len(known) else 0.0
        old, new = means[LEFT], means[CAME]
        apart = (new - old) / spread if old is not None and new is not None and spread > 0 else None
        found[name.of] = {**means, "apart": apart, "high": directions.get(name.of, "")}
    return dict(sorted(found.items(), key=lambda of: -abs(of[1]["apart"] or 0.0)))


def _mean(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _examples(table: pa.Table, mask: _Mask, rank: str) -> list[str]:
    """Return the keys of the few that were taken first."""
    rows = np.flatnonzero(mask)
    ranks = table[rank].take(pa.array(rows)).to_numpy()
    first = rows[np.argsort(ranks, kind="stable")[:_SHOWN]]
    keys: list[str] = table["key"].take(pa.array(first)).to_pylist()
    return keys


def _moved(table: pa.Table) -> pa.Table:
    """Return the rows of what one selection keeps and the other does not."""
    first, second = table["rank_a"].is_valid(), table["rank_b"].is_valid()
    moved = table.filter(pc.xor(first, second))
    what = pc.if_else(moved["rank_a"].is_valid(), LEFT, CAME)
    return moved.add_column(2, "moved", what)
