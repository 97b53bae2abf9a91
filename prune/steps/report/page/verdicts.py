"""What evaluations of the store found: does a selection train as well as random sets of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prune.core.safe_text import counted, duration, printable
from prune.steps.evaluate.intervals import BETTER, WORSE, Difference, Interval
from prune.steps.evaluate.results import EvaluationSummary, evaluations
from prune.steps.report.page.subject import Subject

_MARKS = {BETTER: "better", WORSE: "worse"}  # how a verdict is coloured
_SPEC = 60  # characters


@dataclass(frozen=True)
class Trial:
    """A set, with what it came to, in words."""

    spec: str
    share: str
    accuracy: str
    difference: str
    verdict: str
    mark: str
    worst: str
    cost: str
    ours: bool  # it is the selection that the page is about


@dataclass(frozen=True)
class TrialGroup:
    """Trainings that can be compared: one model, protocol and test set."""

    caption: str
    trials: Sequence[Trial]
    summaries: Sequence[EvaluationSummary]


def trial_groups(subject: Subject) -> list[TrialGroup]:
    """Return the evaluations there are, one group a setting."""
    groups: dict[str, list[EvaluationSummary]] = {}
    for one in evaluations(subject.store).summaries:
        groups.setdefault(one.setting, []).append(one)
    return [_group(subject, of) for of in groups.values()]


def _group(subject: Subject, summaries: Sequence[EvaluationSummary]) -> TrialGroup:
    first, seeds = summaries[0], sorted({one.seeds for one in summaries})
    trained = counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    caption = f"{printable(first.model)}, {first.protocol}, {trained}; ± and brackets: 95 % over seeds"
    return TrialGroup(caption, [_trial(subject, one) for one in summaries], summaries)


def _trial(subject: Subject, one: EvaluationSummary) -> Trial:
    told, spec = one.difference, printable(one.spec)
    return Trial(
        spec=spec if len(spec) <= _SPEC else f"{spec[: _SPEC - 1]}…",
        share=f"{100 * one.fraction:.3g} %",
        accuracy=_spread(one.accuracy),
        difference="" if told is None else _points(told),
        verdict="" if told is None else told.verdict,
        mark="" if told is None else _MARKS.get(told.verdict, ""),
        worst=f"{100 * one.worst_accuracy:.1f} % ({printable(one.worst_class)})",
        cost="–" if one.cost is None else duration(one.cost),
        ours=is_of(subject, one),
    )


def is_of(subject: Subject, one: EvaluationSummary) -> bool:
    """Whether it is about the selection of the page: by its name, and of its size."""
    return one.spec == subject.chosen.name and one.k == int(subject.about["k"])


def verdict(subject: Subject, groups: Sequence[TrialGroup]) -> tuple[str, str] | None:
    """Return what the evaluation says of the selection of the page: against what, and the verdict."""
    for group in groups:
        for one in group.summaries:
            if is_of(subject, one) and one.difference is not None:
                return f"beside random: {_points(one.difference)} points", one.difference.verdict
    return None


def _spread(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{100 * found.mean:.2f}"
    return f"{100 * found.mean:.2f} ± {50 * (found.high - found.low):.2f}"


def _points(told: Difference) -> str:
    if told.low is None or told.high is None:
        return f"{100 * told.mean:+.2f}"
    return f"{100 * told.mean:+.2f} [{100 * told.low:+.2f}, {100 * told.high:+.2f}]"
