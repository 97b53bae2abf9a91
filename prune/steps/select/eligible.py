"""Eligible samples: who may be chosen, how many, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.column_name import ColumnName
from prune.core.errors import DataError, OptionError
from prune.core.progress import Reporter
from prune.core.quota import keep_count
from prune.steps.select.hardest import find_hardest
from prune.steps.select.request import SelectRequest
from prune.store import HELD_OUT, Column, Dataset


@dataclass(frozen=True)
class Eligible:
    """The rows that may be chosen, and why the others may not."""

    rows: Rows
    reasons: Sequence[tuple[Rows, str]]  # of the others
    given: Rows
    usable: int  # samples that can be read: what a fraction is a fraction of
    cut: Mapping[str, Any] = field(default_factory=dict)  # of the hardest: how many, by what, and how found
    dropped: Rows = field(default_factory=lambda: np.empty(0, np.int64))  # the hardest
    kept: Rows = field(
        default_factory=lambda: np.empty(0, np.int64)
    )  # of what is given, a part of the result


@dataclass(frozen=True)
class Pool:
    """Who is left while samples are left out, and why the others are not."""

    rows: Rows
    reasons: Sequence[tuple[Rows, str]]

    def without(self, rows: Rows, reason: str) -> Pool:
        """Leave out these rows; who is gone already is so for the first reason."""
        if not len(rows):
            return self
        gone = np.isin(self.rows, rows)
        return Pool(self.rows[~gone], [*self.reasons, (self.rows[gone], reason)])


def find_eligible(  # noqa: PLR0913 - who is left out, by each of the reasons
    dataset: Dataset,
    rejects: Mapping[int, str],
    request: SelectRequest,
    *,
    score: Column | None,
    hardest_by: Column | None,
    left_out: Iterable[tuple[Rows, str]] = (),
    kept: Rows | None = None,
    reporter: Reporter,
) -> Eligible:
    """Leave out what cannot be read, what is chosen already, and the hardest samples if asked to.

    Parameters
    ----------
    rejects
        Samples that cannot be read, with the reason.
    score, hardest_by
        What the method goes by, and what says which samples are hardest; None where nothing does.
    left_out
        Rows that may not be chosen, with their reason: what comes first decides.
    kept
        What an earlier selection kept, in the order taken: chosen already where it may be chosen.

    Raises
    ------
    DataError
        A given key is not in the dataset.
    OptionError
        The score does not say what hard is.
    """
    reasons = [(np.array([row], np.int64), why) for row, why in rejects.items()]
    reasons.append((dataset.held_out, HELD_OUT))
    usable = dataset.usable
    lost = np.isin(usable, np.concatenate([rows for rows, _ in reasons]))
    pool = Pool(usable[~lost], reasons)
    for rows, reason, lack in _lacking(dataset, request, score):
        narrowed = pool.without(rows, reason)
        if gone := len(pool.rows) - len(narrowed.rows):
            reporter.say(f"{gone} samples have {lack}, and are left out")
        pool = narrowed
    usable = pool.rows  # a fraction is a fraction of these
    given = _given(dataset, usable, request, reporter)
    if request.score and not request.uses_scores and not request.drop_hardest:
        reporter.say(f"{request.method} does not use --score {request.score}")
    pool = pool.without(given, "given")
    for rows, reason in left_out:  # before the hardest of the rest are found
        pool = pool.without(rows, reason)
    kept = np.empty(0, np.int64) if kept is None else kept[np.isin(kept, pool.rows)]
    if len(kept):
        pool, given = Pool(np.setdiff1d(pool.rows, kept), pool.reasons), np.union1d(given, kept)
    if hardest_by is None:
        return Eligible(pool.rows, pool.reasons, given, len(usable), kept=kept)
    dropped, cut = find_hardest(dataset, pool.rows, len(usable), request, hardest_by)
    pool = pool.without(dropped, cut["reason"])
    return Eligible(pool.rows, pool.reasons, given, len(usable), cut, dropped, kept)


def _lacking(
    dataset: Dataset, request: SelectRequest, score: Column | None
) -> Iterator[tuple[Rows, str, str]]:
    """Yield samples that lack what the method goes by, the reason, and what they lack in words."""
    unlabelled = np.flatnonzero(dataset.labels < 0)
    if request.on_gradients:
        yield unlabelled, "no label", "no label, so no gradient"
    if score is not None and score.recipe.get("unlabelled") == "keep":
        yield unlabelled, "no label, so no score", f"no label, so no {ColumnName(score.name).of}"


def _given(dataset: Dataset, usable: Rows, request: SelectRequest, reporter: Reporter) -> Rows:
    """Return the samples that are chosen already; say how many of them cannot be read."""
    asked = _rows_of(dataset, request.given)
    given = np.intersect1d(asked, usable)
    held_out = np.intersect1d(asked, dataset.held_out)
    lost = len(asked) - len(given) - len(held_out)
    for count, why in ((lost, "cannot be read"), (len(held_out), "are held out")):
        if count:
            reporter.say(f"{count} of the given samples {why} and are left out")
    return given


def budget(request: SelectRequest, eligible: Eligible) -> int | None:
    """Return k: how many samples to choose beside those kept; None if the method decides.

    Raises
    ------
    OptionError
        Both of fraction and count are given, or neither and the method cannot decide, or there are not so
        many eligible samples.
    """
    if request.fraction is None and request.count is None and request.selector.sized_by:
        return None
    if (request.fraction is None) == (request.count is None):
        raise OptionError("select wants one of --fraction and --count", "--fraction 0.3   # keeps 30 %")
    if request.count is not None:
        k, asked = request.count, f"--count {request.count}"
        if k < 1:
            raise OptionError(f"--count must be at least 1, not {k}")
    else:
        assert request.fraction is not None
        k, asked = keep_count(request.fraction, eligible.usable), f"--fraction {request.fraction}"
        if k == eligible.usable:  # all of them: all but those left out, and those that are given
            k = max(1, len(eligible.rows) + len(eligible.kept))
    if k < len(eligible.kept):
        held = len(eligible.kept)
        raise OptionError(
            f"{asked} asks for {k} samples, and {request.keeps} keeps {held} already",
            f"--count {held}, or add --replace to let some of them go",
        )
    most = len(eligible.rows) + len(eligible.kept)
    if k > most:
        left = f"{most} of {eligible.usable} samples can be chosen"
        if request.within is not None:
            left += f" within {request.within}, and a fraction is one of all samples"
        hint = f"--count {most}" if most else "prune status"
        raise OptionError(f"{asked} asks for {k} samples, but only {left}", hint)
    return k - len(eligible.kept)


def _rows_of(dataset: Dataset, keys: Sequence[str]) -> Rows:
    if not keys:
        return np.empty(0, np.int64)
    import pyarrow.compute as pc

    rows = pc.index_in(pa.array(keys, pa.string()), value_set=dataset.samples["key"].combine_chunks())
    if rows.null_count:
        first = keys[int(np.flatnonzero(rows.is_null().to_numpy(zero_copy_only=False))[0])]
        raise DataError(
            f"{rows.null_count} of {len(keys)} given keys are not in the dataset; the first is {first!r}",
            "keys stand one a line, as in keys.txt of a selection",
        )
    return np.unique(rows.to_numpy()).astype(np.int64)
