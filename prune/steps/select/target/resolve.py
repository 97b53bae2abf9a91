"""From what `--target` names to samples in the space of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import DataError, MissingColumnError, OptionError
from prune.core.object_names import is_address
from prune.core.safe_text import printable
from prune.steps.dataset_session import known_dataset
from prune.steps.rejects import all_rejects
from prune.steps.select.by_class import SelectionTarget
from prune.steps.select.target.dataset import find_dataset, look_at
from prune.steps.select.target.file import holds_numbers, target_of_file, weights_of
from prune.steps.select.target.pool import LEARNT_FROM, TargetPool, essence
from prune.steps.settings import Settings
from prune.steps.space_columns import GRADIENTS, SpaceSource
from prune.store import Dataset, Store
from prune.system import contents
from prune.system.memory import default_memory


def open_target(  # noqa: PLR0913 - what --target and its options say, and where to compute
    store: Store,
    source: str,
    column: str,
    settings: Settings,
    *,
    weights: str | None = None,
    split: str | None = None,
    device: str,
    memory: int | None,
) -> SelectionTarget:
    """Return the samples that a selection from `store` is to match; the caller holds the store for writing.

    Parameters
    ----------
    source
        A .npy or .npz of numbers (`target_of_file`), another store whose column was made in the same way, or
        a dataset: it is encoded, or shown to the trained proxy, once, in a store inside `store`.
    column
        `embedding.NAME`, or `gradients`.
    weights
        A .npy of one number a sample of `source`, those included that cannot be used.
    split
        Of a dataset.

    Returns
    -------
    Target
        Labels are class ids of the pool, matched by name. Of gradients, only samples with such a label.

    Raises
    ------
    DataError
        The target cannot be read, or has no sample that can be used, or no weight over 0.
    OptionError
        It does not fit the column: another width, encoder, weights or proxy.
    StoreError
        A store lacks a column.
    """
    pool, limit = TargetPool(store, column), default_memory() if memory is None else memory
    if holds_numbers(source):
        _refuse_split(split, f"the file {source}")
        target = target_of_file(contents.file_at(source), pool, device=device, memory=limit)
        return _weighted(target, weights, np.arange(target.samples.n), target.samples.n)
    if not is_address(source) and Store(source).exists():
        _refuse_split(split, f"the store {source}")
        held = Store(source)
        _require_alike(pool, held)
        dataset = known_dataset(held, replace(settings, reading={}), "matching what is known of it")
        rejects = all_rejects(held, dataset)
    else:
        seen = find_dataset(pool, source, split, settings)
        dataset = seen.dataset
        if len(dataset.usable):
            _with_gradient(pool, dataset, dataset.usable)  # before anything is computed
        held, rejects = look_at(pool, seen, settings, device)
    usable = np.setdiff1d(dataset.usable, np.array(sorted(rejects), np.int64))
    rows = _with_gradient(pool, dataset, usable)
    if len(rows) < len(usable):
        left = f"{len(usable) - len(rows)} of {len(usable)} target samples"
        settings.reporter.say(f"{left} have no label that the pool knows, so no gradient, and are left out")
    named = pool.named(dataset)
    space = SpaceSource(held, named, column, device=device, memory=limit).space(rows)
    return _weighted(SelectionTarget(space, named.labels[rows]), weights, rows, len(dataset))


def _with_gradient(pool: TargetPool, dataset: Dataset, rows: Rows) -> Rows:
    """Return the rows that have a place in the pool's space; of gradients, those with a class of the pool."""
    if not len(rows):
        raise DataError("no sample of the target can be used", "name another --target")
    if pool.space != GRADIENTS:
        return rows
    labelled = rows[pool.named(dataset).labels[rows] >= 0]
    if not len(labelled):
        ours, theirs = (_few(classes) for classes in (pool.dataset.classes, dataset.classes))
        raise DataError(
            f"no sample of the target has a class of the pool, so none has a gradient: {theirs}, not {ours}",
            "name the classes alike, or match an embedding: --on proxy",
        )
    return labelled


def _few(classes: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in classes[:3])
    return (shown + (", …" if len(classes) > 3 else "")) or "no classes"


def _require_alike(pool: TargetPool, other: Store) -> None:
    """Refuse another store whose columns were made in another way."""
    for ours in pool.columns:
        encoder = ours.recipe.get("encoder", "proxy")
        looks = "proxy" if pool.is_of_proxy else encoder
        hint = (
            f"name the dataset instead of its store: the {looks} of {pool.store.path} looks at it then"
            if pool.is_of_proxy or LEARNT_FROM in ours.recipe
            else f"prune embed --encoder {encoder} --store {other.path}   # with the weights of the pool"
        )
        if ours.name not in other.columns:
            raise MissingColumnError(f"the target {other.path} has no column {ours.name!r}", hint)
        theirs = other.column(ours.name)
        one, two = essence(ours.recipe), essence(theirs.recipe)
        differing = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
        if differing:
            what = "proxy" if "trace" in differing else differing[0]
            how = "learnt from another dataset" if what == LEARNT_FROM else f"made with another {what}"
            raise OptionError(
                f"{ours.name} of the target {other.path} was {how} than that of {pool.store.path}", hint
            )
        if theirs.shape[1:] != ours.shape[1:]:
            raise OptionError(
                f"{ours.name} of the target {other.path} has rows of {theirs.shape[1]} numbers, that of"
                f" {pool.store.path} of {ours.shape[1]}",
                hint,
            )


def _refuse_split(split: str | None, what: str) -> None:
    if split is not None:
        raise OptionError(f"--target-split {split} is for a dataset, not for {what}", "leave it out")


def _weighted(target: SelectionTarget, path: str | None, rows: Rows, count: int) -> SelectionTarget:
    """Add the weights of the samples that are left, of `count` in the file."""
    if path is None:
        return target
    weights = weights_of(Path(path), count)[rows]
    if not weights.any():
        raise DataError(f"no sample of the target has a weight over 0 in {path}")
    return replace(target, weights=weights)
