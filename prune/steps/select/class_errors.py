"""Errors by class, as the traces say: how often the proxy mistook one, and how sure it was of a sample."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows, Scores
from prune.core.column_name import FIRST_RUN, ColumnName, runs_among
from prune.core.errors import DataError, OptionError
from prune.core.quota import Errors
from prune.store import Column, Dataset, Store

_LATE = 5  # one epoch in so many, the last ones, says how often a class is mistaken


@dataclass(frozen=True)
class ClassErrors:
    """How often each class is mistaken, and who says so."""

    values: Errors  # (c,), in [0, 1]
    source: str
    held_out: bool = True  # of samples that were not trained on, as far as we know


def easiness(store: Store, score: Column) -> Scores:
    """Return the mean probability of the label, over the epochs and runs that a score comes from: (n,).

    The epochs are those between the options `first` and `last` of the score, where it has them; else all. Of
    scores that come from elsewhere, over all traces there are.

    Raises
    ------
    MissingColumnError
        There is no trace.
    """
    named = own_traces(score)
    columns = [store.open_column(name, of) for name, of in named.items()] or traces(store)
    options = score.recipe.get("options", {})
    first, last = options.get("first") or 1, options.get("last")
    means = [_mean(column, "p_label", first - 1, last or column.shape[0]) for column in columns]
    return np.mean(means, axis=0).astype(np.float32)


def own_traces(score: Column) -> dict[ColumnName, str]:
    """Return the traces that a score was made from, name -> identity; none of one from elsewhere."""
    made_from: Mapping[str, str] = score.recipe.get("from", {})
    return {name: made_from[name] for name in map(ColumnName, sorted(made_from)) if name.is_run}


def class_errors(store: Store, dataset: Dataset, rows: Rows) -> ClassErrors:
    """Return how often the proxy was wrong about the samples of each class, late in its training.

    The mean over these samples, the last fifth of the epochs, and the runs; drawn towards the error of all
    classes together, as if each class had one mistake more in as many samples as it takes of all to find one.
    So few mistakes tell classes little apart, and none at all do not: every error is 0 then.

    Raises
    ------
    MissingColumnError
        There is no trace.
    """
    columns = traces(store)
    ends = [column.shape[0] for column in columns]
    right = [_mean(c, "right", end - _late(end, _LATE), end) for c, end in zip(columns, ends, strict=True)]
    wrong = 1 - np.mean(right, axis=0)
    labels, c = dataset.labels[rows], len(dataset.classes)
    seen = (labels >= 0) & np.isfinite(wrong[rows])
    counts = np.bincount(labels[seen], minlength=c)
    sums = np.bincount(labels[seen], weights=wrong[rows][seen], minlength=c)
    late = _late(columns[0].shape[0], _LATE)
    last = "the last epoch" if late == 1 else f"the last {late} epochs"
    held_out = all("folds" in column.recipe for column in columns)
    samples = "samples held out by --cross-fit" if held_out else "training samples"
    source = f"{', '.join(column.name for column in columns)}: {samples}, {last}"
    overall = sums.sum() / max(counts.sum(), 1)
    return ClassErrors(overall * (sums + 1) / (overall * counts + 1), source, held_out)


def errors_in(path: Path, classes: list[str]) -> ClassErrors:
    """Read errors of classes: a JSON object of names, or a .npy in the order of the class ids.

    Raises
    ------
    OptionError
        There is no such file, it lacks a class, or an error is not from 0 to 1.
    DataError
        It cannot be read.
    """
    errors = _read(path)
    if isinstance(errors, Mapping):
        if missing := [name for name in classes if name not in errors]:
            lacking = f"{len(missing)} of {len(classes)} classes"
            raise OptionError(
                f"{path} has no error for {lacking}; the first is {missing[0]!r}",
                f'{{"{missing[0]}": 0.1, …}}: one minus the accuracy of each class',
            )
        errors = [errors[name] for name in classes]
    try:
        values = np.asarray(errors, np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{path} holds errors that are not numbers", _NUMBERS) from error
    if values.shape != (len(classes),):
        raise OptionError(
            f"{path} has the shape {values.shape}, but there are {len(classes)} classes", _NUMBERS
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise OptionError(f"errors in {path} span [{values.min()}, {values.max()}], not 0 to 1", _NUMBERS)
    return ClassErrors(values, str(path))


_NUMBERS = "one number a class, one minus its accuracy on data that was not trained on"


def traces(store: Store) -> list[Column]:
    """Return the traces of all runs, or raise `MissingColumnError`."""
    return [store.column(name) for name in runs_among(store.columns) or [FIRST_RUN]]


def _mean(trace: Column, fact: str, first: int, stop: int) -> Array:
    """Mean of a fact over epochs, counted from 0, (n,) float64; `right` counts margins over 0."""
    from prune.proxy import FACTS

    place = FACTS.index("margin" if fact == "right" else fact)
    total = np.zeros(trace.shape[2])
    for block in _epochs(trace, first, stop):
        values = block[place].astype(np.float64)
        total += np.where(np.isnan(values), np.nan, values > 0) if fact == "right" else values
    return total / (stop - first)


def _epochs(trace: Column, first: int, stop: int) -> Iterator[Array]:
    for start, block in trace.blocks():
        yield from block[max(first - start, 0) : max(stop - start, 0)]


def _late(epochs: int, part: int) -> int:
    return max(1, epochs // part)


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise OptionError(f"there is no file {path}", "--quota-errors FILE.json, or .npy") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read", "a JSON object of class names, or a .npy") from error
