"""Eligible samples: who may be chosen, how many, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.column_name import ColumnName, scores_among
from prune.core.directions import hard_end, low_is_hard
from prune.core.errors import DataError, OptionError
from prune.core.label_doubt import doubt
from prune.core.method_rows import Scorer
from prune.core.progress import Reporter
from prune.core.quota import keep_count, share_count
from prune.scorers import SCORERS
from prune.selectors.top import ranked, tied_at_cut
from prune.steps.rejects import all_rejects
from prune.steps.select.request import SelectRequest, checked_share
from prune.store import Column, Dataset, Store


@dataclass(frozen=True)
class Eligible:
    """The rows that may be chosen, and why the others may not."""

    rows: Rows
    reasons: Mapping[int, str]
    given: Rows
    usable: int  # samples that can be read: what a fraction is a fraction of
    cut: Mapping[str, Any] = field(default_factory=dict)  # of the hardest: how many, by what, and how found
    dropped: Rows = field(default_factory=lambda: np.empty(0, np.int64))  # the hardest


def find_eligible(store: Store, dataset: Dataset, request: SelectRequest, reporter: Reporter) -> Eligible:
    """Leave out what cannot be read, what is chosen already, and the hardest samples if asked to.

    Raises
    ------
    DataError
        A given key is not in the dataset.
    OptionError
        `drop_hardest` is out of range, or the score does not say what hard is.
    """
    reasons: dict[int, str] = dict(all_rejects(store, dataset))
    if request.on_gradients:
        unlabelled = np.setdiff1d(np.flatnonzero(dataset.labels < 0), np.array(sorted(reasons), np.int64))
        reasons |= dict.fromkeys(unlabelled.tolist(), "no label")
        if len(unlabelled):
            reporter.say(f"{len(unlabelled)} samples have no label, so no gradient, and are left out")
    reasons |= _unscored(store, dataset, request, reasons, reporter)
    usable = np.setdiff1d(np.arange(len(dataset)), np.array(sorted(reasons), np.int64))
    asked = _rows_of(dataset, request.given)
    given = np.intersect1d(asked, usable)
    if len(given) < len(asked):
        reporter.say(f"{len(asked) - len(given)} of the given samples cannot be read and are left out")
    uses_score = "scores" in request.selector.needs or request.selector.takes("scores")
    if request.score and not uses_score and not request.drop_hardest:
        reporter.say(f"{request.method} does not use --score {request.score}")
    free = np.setdiff1d(usable, given)
    dropped, cut = _hardest(store, dataset, free, len(usable), request)
    reasons |= dict.fromkeys(given.tolist(), "given")
    reasons |= dict.fromkeys(dropped.tolist(), str(cut.get("reason")))
    return Eligible(np.setdiff1d(free, dropped), reasons, given, len(usable), cut, dropped)


def _unscored(
    store: Store, dataset: Dataset, request: SelectRequest, reasons: Mapping[int, str], reporter: Reporter
) -> dict[int, str]:
    """Return samples that a method cannot rank by its score: they have no label, so none of it."""
    method = request.selector
    if "scores" not in method.needs and not (method.takes("scores") and request.score is not None):
        return {}
    column = score_column(store, request.score, method.score)
    if column.recipe.get("unlabelled") != "keep":
        return {}
    rows = [row for row in np.flatnonzero(dataset.labels < 0).tolist() if row not in reasons]
    if rows:
        name = ColumnName(column.name).of
        reporter.say(f"{len(rows)} samples have no label, so no {name}, and are left out")
    return dict.fromkeys(rows, "no label, so no score")


def budget(request: SelectRequest, eligible: Eligible) -> int | None:
    """Return k: how many samples to choose; None if the method decides.

    Raises
    ------
    OptionError
        Both of fraction and count are given, or neither and the method cannot decide, or there are not so
        many eligible samples.
    """
    if request.fraction is None and request.count is None and request.selector.sizes:
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
            k = max(1, len(eligible.rows))
    if k > len(eligible.rows):
        left = f"{len(eligible.rows)} of {eligible.usable} samples can be chosen"
        hint = f"--count {len(eligible.rows)}" if len(eligible.rows) else "prune status"
        raise OptionError(f"{asked} asks for {k} samples, but only {left}", hint)
    return k


def directions(store: Store) -> dict[str, str]:
    """What a high value of each score means."""
    return {name.of: store.column(name).recipe["high"] for name in scores_among(store.columns)}


def hardest_are_low(column: Column) -> bool:
    """Whether low values of a score are of the samples that say most: the hard, uncertain, atypical ones.

    Raises
    ------
    OptionError
        Nobody said what a high value means.
    """
    name, high = ColumnName(column.name).of, column.recipe["high"]
    low = low_is_hard(high)
    if low is None:
        raise OptionError(
            f"score {name} does not say whether high or low values are to be taken first",
            "--set lowest=false   # takes high ones first, --set lowest=true low ones",
        )
    return low


def score_column(store: Store, name: str | None, made_for: str = "") -> Column:
    """Return the score that `--score` names; by default the one a method is made for, else the only one."""
    if name is not None:
        return store.column(ColumnName.score(name))
    if made_for:
        return store.column(ColumnName.score(made_for))
    names = list(directions(store))
    if len(names) > 1:
        raise OptionError(
            f"there are several scores: {', '.join(names)}", f"--score {names[0]}   # or another"
        )
    return store.column(ColumnName.score(names[0] if names else "el2n"))


def _hardest(
    store: Store, dataset: Dataset, rows: Rows, usable: int, request: SelectRequest
) -> tuple[Rows, dict[str, Any]]:
    """Return the rows to leave out, and how they were found."""
    share = checked_share(request.drop_hardest)
    if share == 0:
        return rows[:0], {}
    column = score_column(store, request.drop_by or request.score, request.selector.score)
    name, high = ColumnName(column.name).of, column.recipe["high"]
    if hard_end(high) is None:
        imported = column.recipe["method"] == "import" and not high
        ours, theirs = "--drop-by el2n, or aum", f"prune score --import FILE --high {name}=hard   # or =easy"
        hint = theirs if imported else ours
        raise OptionError(f"score {name} does not say which samples are hard", hint)
    scores = column.read()[rows]
    cut: dict[str, Any] = {"by": name, "of": usable}
    if share == "auto":
        _require_labelled(column)
        doubted = doubt(scores, high, **_known(column))
        dropped = rows[doubted.mask]
        share = len(dropped) / usable
        cut |= {
            "rule": doubted.rule,
            "threshold": doubted.threshold,
            "reason": "hardest, beyond the threshold",
        }
    else:
        keys = dataset.samples["key"].take(pa.array(rows)).to_pylist()
        hardest = ranked(-scores if high == "hard" else scores, keys, 1, request.seed)
        hardest = hardest[: share_count(share, usable)]
        cut |= {"rule": "as asked", "threshold": None, "reason": f"hardest {100 * share:g} %"}
        cut |= tied_at_cut(scores, hardest)
        dropped = np.sort(rows[hardest])
    return dropped, cut | {"share": share, "samples": len(dropped)}


def _require_labelled(column: Column) -> None:
    """Refuse to doubt labels by a score that never looks at them."""
    scorer = scorer_of(column)
    if scorer is not None and not scorer.looks_at_labels:
        raise OptionError(
            f"--drop-hardest auto doubts labels, and {column.recipe['method']} never looks at them",
            "--drop-by aum, el2n, loss or confidence",
        )


def scorer_of(column: Column) -> Scorer | None:
    """Return the row of the scorer that made a score; None where it was computed elsewhere."""
    return SCORERS.get(str(column.recipe["method"]))


def _known(column: Column) -> dict[str, Any]:
    """Return what `doubt` is to know of a score; nothing where it was computed elsewhere."""
    scorer = scorer_of(column)
    if scorer is None:
        return {}
    return {"loses_beyond": scorer.loses_beyond, "probability": scorer.probability}


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
