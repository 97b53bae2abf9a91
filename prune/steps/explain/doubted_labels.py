"""Labels in doubt, by predictions or by a score: who they are, in which order, and what is likelier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Array, Labels, Rows
from prune.core.column_name import HELD_OUT, PROBS, ColumnName, scores_among
from prune.core.confident_learning import ConfidentDoubt, confident_doubt
from prune.core.errors import DataError, MissingColumnError, OptionError, UnknownNameError
from prune.core.label_doubt import Ranks, doubt, suspect_ranks
from prune.core.lots import lots
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.scorers import SCORERS
from prune.steps.rejects import all_rejects
from prune.store import Column, Dataset, Store

CONFIDENT = "confident"  # learning, beside the names of scores
FOLDS = "prune score --type aum --cross-fit 5"  # what gives predictions that are held out

_Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DoubtedLabels:
    """Labels in doubt, the most doubtful first."""

    rows: Rows  # of the dataset
    likely: Labels  # class ids; −1: there are no predictions
    confidence: npt.NDArray[np.float32]  # probability of the likely class; NaN: there are no predictions
    agreed: tuple[str, ...]  # of each, the rules that doubt it, joined by `+`
    by: str  # the rule that made the list
    rule: str  # how it told them, in words
    held_out: bool | None  # whether predictions are of proxies that did not train on the sample; None: none
    labelled: int  # samples that were looked at
    column: str  # of the store, that the list was made by

    def table(self, dataset: Dataset) -> pa.Table:
        """Return a row a label: rank, key, given, likely, confidence, by."""
        names = pa.array(dataset.classes, pa.string())
        return pa.table(
            {
                "rank": pa.array(np.arange(1, len(self.rows) + 1)),
                "key": dataset.samples["key"].take(pa.array(self.rows)).combine_chunks(),
                "given": names.take(pa.array(dataset.labels[self.rows], pa.int64())),
                "likely": names.take(pa.array(self.likely, pa.int64(), mask=self.likely < 0)),
                "confidence": pa.array(self.confidence, pa.float32(), from_pandas=True),
                "by": pa.array(self.agreed, pa.string()),
            }
        )


@dataclass(frozen=True)
class _Verdict:
    """What one rule says of all samples."""

    mask: _Mask
    ranks: Ranks
    rule: str


def doubted_labels(store: Store, dataset: Dataset, by: str | None = None) -> DoubtedLabels:
    """Return the labels that a rule doubts.

    Parameters
    ----------
    by
        `confident` (learning, on predictions), or a score that looks at labels; default: the first of these
        for which there is what it needs.

    Raises
    ------
    DataError
        The dataset has no labels.
    OptionError
        There is no such rule, or the score says nothing of labels.
    MissingColumnError
        What the rule needs is not there.
    """
    if not (dataset.labels >= 0).any():
        hint = in_store("prune score --type el2n --labels labels.csv", str(store.path))
        raise DataError("the dataset has no labels to doubt", hint)
    usable = np.zeros(len(dataset), bool)
    usable[dataset.usable] = True  # neither rejected by the scan nor held out
    usable[list(all_rejects(store, dataset))] = False
    labels = np.where(usable, dataset.labels, -1)
    column = _predictions(store)
    told = None if column is None else confident_doubt(_of_classes(column, dataset), labels)
    scores = _telling_scores(store)
    by = _rule(store, by, told, scores)
    verdicts = {name: _by_score(dataset, score, labels) for name, score in scores.items()}
    if told is not None:
        verdicts = {CONFIDENT: _by_predictions(dataset, told)} | verdicts
    chosen = verdicts[by]
    rows = np.flatnonzero(chosen.mask)
    rows = rows[np.argsort(chosen.ranks[rows], kind="stable")]
    return DoubtedLabels(
        rows=rows,
        likely=np.full(len(rows), -1, np.int64) if told is None else told.likely[rows],
        confidence=_confidence(column, told, rows),
        agreed=tuple("+".join(name for name, of in verdicts.items() if of.mask[row]) for row in rows),
        by=by,
        rule=chosen.rule,
        held_out=None if column is None else column.name == HELD_OUT,
        labelled=int((labels >= 0).sum()),
        column=column.name if by == CONFIDENT and column is not None else scores[by].name,
    )


def usual_column(store: Store) -> Column | None:
    """Return the column that tells where no rule is named; None where there is none."""
    return _predictions(store) or next(iter(_telling_scores(store).values()), None)


def _predictions(store: Store) -> Column | None:
    """Return the predictions there are: those of proxies that did not train on the sample go first."""
    name = next((name for name in (HELD_OUT, PROBS) if name in store.columns), None)
    return None if name is None else store.column(name)


def _of_classes(column: Column, dataset: Dataset) -> Array:
    """Return predictions without a second class that a dataset of one does not have."""
    return column.read()[:, : max(len(dataset.classes), 1)]


def _telling_scores(store: Store) -> dict[str, Column]:
    """Return the scores that tell how badly a label fits, those that were computed elsewhere among them."""
    found = {}
    for name in scores_among(store.columns):
        column = store.column(name)
        scorer = SCORERS.get(str(column.recipe["method"]))
        if column.recipe["high"] in {"hard", "easy"} and (scorer is None or scorer.tells_labels):
            found[name.of] = column
    return found


def _rule(store: Store, asked: str | None, told: ConfidentDoubt | None, scores: Mapping[str, Column]) -> str:
    """Return a rule that has what it needs."""
    known = [*([CONFIDENT] if told is not None else []), *scores]
    folds = in_store(FOLDS, str(store.path))
    lacks = MissingColumnError(f"{store.path} has nothing that doubts labels", folds)
    if asked is None:
        if not known:
            raise lacks
        return known[0]
    if asked in known:
        return asked
    if asked == CONFIDENT:
        raise MissingColumnError(f"{store.path} has no predictions to learn from", folds)
    if ColumnName.score(asked) in store.columns:
        instead = f"--by {known[0]}" if known else folds
        raise OptionError(f"score {asked} does not say how badly a label fits", instead)
    if asked in SCORERS:
        store.column(ColumnName.score(asked))
    raise UnknownNameError("rule or score", asked, known) if known else lacks


def _by_predictions(dataset: Dataset, told: ConfidentDoubt) -> _Verdict:
    rule = f"confident learning expects {counted(told.expected, 'wrong label')}"
    rule += f", of predictions that agree with {100 * told.agree:.3g} %"
    return _Verdict(told.mask, _ranks(dataset, told.ease, "easy"), rule)


def _by_score(dataset: Dataset, column: Column, labels: Labels) -> _Verdict:
    """Doubt the labels that lie in the harder of two normals that the score shows, if it shows two."""
    scorer, high = SCORERS.get(str(column.recipe["method"])), str(column.recipe["high"])
    scores = np.where(labels >= 0, column.read(), np.nan).astype(np.float32)
    found = doubt(
        scores,
        high,
        loses_beyond=None if scorer is None else scorer.loses_beyond,
        probability=None if scorer is None else scorer.probability,
    )
    return _Verdict(found.mask, _ranks(dataset, scores, high), f"{ColumnName(column.name).of}: {found.rule}")


def _ranks(dataset: Dataset, values: Array, high: str) -> Ranks:
    keys = dataset.samples["key"]
    return suspect_ranks(values, high, lambda: lots(keys.to_pylist(), "suspects"))


def _confidence(column: Column | None, told: ConfidentDoubt | None, rows: Rows) -> npt.NDArray[np.float32]:
    """Return the probability of the class that is likelier."""
    found = np.full(len(rows), np.nan, np.float32)
    if column is not None and told is not None:
        known = np.flatnonzero(told.likely[rows] >= 0)
        found[known] = column.read()[rows[known], told.likely[rows[known]]]
    return found
