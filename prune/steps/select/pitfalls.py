"""Choices that are known to fail, each with the figure and where it was published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Labels
from prune.core.column_name import ColumnName
from prune.core.directions import AND, hard_end, low_is_hard
from prune.core.method_rows import Scorer, Selector
from prune.steps.score_columns import scorer_of
from prune.steps.select.inputs import SelectionInputs
from prune.store import Column

_SMALL = 0.3  # kept: below it, hardest-first has lost to random wherever it was compared
_TINY = 0.1
_HALF = 0.5  # of a class
_UNEVEN = 10  # times more samples in the largest class than in the smallest

_HARDEST_FIRST = (
    "{method} by {score} keeps the hardest {kept:.3g} % of the samples: below 30 % that does worse than "
    "random. On CIFAR-10, keeping the most forgotten gave 95.36 % accuracy at 70 % kept and 34.03 % at 10 %, "
    "far below random (Zheng et al., ICLR 2023, arXiv:2210.15809). "
    "Try --method stratified, beta or gumbel, or keep more"
)
_EASIEST_FIRST = (
    "{method} prefers high values of {score}, and those are of {high} samples. "
    "Try {instead}, if it is the others that you want"
)

_CUT = (
    "--drop-hardest leaves out {share:.3g} % of the class {name!r}{more}: where a class is hard, its clean "
    "samples look like wrong labels. Look at some of them, or drop less"
)
_SEEN = (
    "--quota drop goes by errors on samples that the proxy trained on, which say little of a class that it "
    "has learned by heart. Try predictions of score --cross-fit 5, or --quota-errors FILE.json"
)


@dataclass(frozen=True)
class RankedBy:
    """The score that a selection goes by."""

    score: str
    high: str  # what a high value means
    scorer: Scorer | None = None  # what made it; None: it is not one of ours

    @classmethod
    def of(cls, column: Column) -> RankedBy:
        """Look a column up: `score.NAME`."""
        return cls(ColumnName(column.name).of, column.recipe["high"], scorer_of(column))

    @property
    def hard_end(self) -> str | None:
        """Where the hard samples lie, be they uncertain too: `high` or `low`."""
        ends = [end for meaning in self.high.split(AND) if (end := hard_end(meaning))]
        return ends[0] if ends else None


def warnings_of(inputs: SelectionInputs) -> tuple[str, ...]:
    """Return what speaks against a choice, before it is made."""
    task, eligible, labels = inputs.task, inputs.eligible, inputs.dataset.labels
    of_choice = cautions(
        selector=task.method,
        by=None if inputs.score is None else RankedBy.of(inputs.score),
        kept=1.0 if task.k is None else task.k / eligible.usable,
        labels=labels[eligible.rows],
        quota=task.quota,
        turned=task.options.get("tau", 1.0) < 0,
    )
    of_classes = cautions_of_classes(
        dropped=labels[eligible.dropped],
        labels=labels[eligible.rows],
        classes=inputs.dataset.classes,
        held_out=inputs.errors is None or inputs.errors.held_out,
    )
    return (*of_choice, *of_classes)


def cautions(
    *,
    selector: Selector,
    by: RankedBy | None,
    kept: float,
    labels: Labels,
    quota: str,
    turned: bool = False,
) -> list[str]:
    """Return what the literature has against a choice; nothing, mostly.

    Parameters
    ----------
    selector, by, quota
        What chooses, by which score if by any, and how the budget is split.
    kept
        Fraction of the usable samples.
    turned
        The options of the method prefer low scores already.
    labels : (m,)
        Of the candidates; −1 where there is none.
    """
    warnings = [] if by is None else _of_score(selector, by, kept, turned)
    sizes = np.bincount(labels[labels >= 0])
    sizes = sizes[sizes > 0]
    uneven = len(sizes) > 1 and sizes.max() >= _UNEVEN * sizes.min()
    if selector.caution_if_uneven and quota == "none" and uneven and kept <= _TINY:
        warnings.append(selector.caution_if_uneven.format(ratio=sizes.max() / sizes.min()))
    return warnings


def _of_score(selector: Selector, by: RankedBy, kept: float, turned: bool) -> list[str]:
    warnings, words = [], {"method": selector.name, "score": by.score, "high": by.high}
    if selector.takes_only and selector.takes_only == by.hard_end and kept < _SMALL:
        warnings.append(_HARDEST_FIRST.format(**words, kept=100 * kept))
    if selector.turned and low_is_hard(by.high) and not turned:
        warnings.append(_EASIEST_FIRST.format(**words, instead=selector.turned))
    if by.scorer is not None and by.scorer.caution:
        warnings.append(by.scorer.caution)
    return warnings


def cautions_of_classes(
    *, dropped: Labels, labels: Labels, classes: Sequence[str], held_out: bool
) -> list[str]:
    """Return what speaks against how classes are treated: one that is cut by half, errors of what is known.

    Parameters
    ----------
    dropped, labels
        Of those that were left out as the hardest, and of the candidates; −1 where there is none.
    classes
        Names.
    held_out
        Whether the errors that split the budget, if any do, are of samples that were not trained on.
    """
    warnings = [] if held_out else [_SEEN]
    gone, left = (np.bincount(part[part >= 0], minlength=len(classes)) for part in (dropped, labels))
    share = gone / np.maximum(gone + left, 1)
    if many := int((share > _HALF).sum()):
        worst = int(np.argmax(share))
        more = f", and more than half of {many - 1} more" if many > 1 else ""
        warnings.append(_CUT.format(share=100 * share[worst], name=classes[worst], more=more))
    return warnings
