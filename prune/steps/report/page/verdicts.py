"""What evaluations of the store found: does a selection train as well as random sets of the same size."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from prune.core.safe_text import counted, duration, printable
from prune.steps.evaluate.evaluation_table import EvaluationSummary
from prune.steps.evaluate.headings import Heading
from prune.steps.evaluate.intervals import BETTER, WORSE, Difference
from prune.steps.evaluate.results import evaluations
from prune.steps.evaluate.training_sets import digests_of_kept
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
    ours: bool  # it is trained on what the selection of the page keeps, whatever it was called
    summary: EvaluationSummary


@dataclass(frozen=True)
class TrialGroup:
    """Trainings that can be compared: one model, protocol and test set."""

    caption: str
    heading: Heading
    trials: Sequence[Trial]

    @property
    def summaries(self) -> list[EvaluationSummary]:
        """What the trials say in words."""
        return [trial.summary for trial in self.trials]


def trial_groups(subject: Subject) -> list[TrialGroup]:
    """Return the evaluations there are, one group a setting."""
    table, groups = evaluations(subject.store), dict[str, list[EvaluationSummary]]()
    for one in table.summaries:
        groups.setdefault(one.setting, []).append(one)
    ours = digests_of_kept(subject.store, subject.dataset, subject.chosen)
    return [_group(table.headings[setting], of, ours) for setting, of in groups.items()]


def _group(
    heading: Heading, summaries: Sequence[EvaluationSummary], ours: Collection[str | None]
) -> TrialGroup:
    seeds = sorted({one.seeds for one in summaries})
    trained = counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    caption = f"{printable(str(heading))}, {trained}; ± and brackets: 95 % over seeds"
    caption += f"; {heading.bias}" if heading.bias else ""
    trials = [_trial(one, ours=one.set in ours) for one in summaries]
    return TrialGroup(caption, heading, trials)


def _trial(one: EvaluationSummary, *, ours: bool) -> Trial:
    told, spec = one.difference, printable(one.named)
    return Trial(
        spec=spec if len(spec) <= _SPEC else f"{spec[: _SPEC - 1]}…",
        share=f"{100 * one.fraction:.3g} %",
        accuracy=str(one.accuracy),
        difference="" if told is None else _points(told),
        verdict="" if told is None else told.verdict,
        mark="" if told is None else _MARKS.get(told.verdict, ""),
        worst=f"{100 * one.worst_accuracy:.1f} % ({printable(one.worst_class)})",
        cost="–" if one.cost is None else duration(one.cost),
        ours=ours,
        summary=one,
    )


def verdict(groups: Sequence[TrialGroup]) -> tuple[str, str] | None:
    """Return what evaluations say of the selection of the page: against what, and the verdict.

    Of several the one by a network and the right labels, of these the one of most seeds; what another was
    trained by is said.
    """
    told = [
        (group.heading, trial) for group in groups for trial in group.trials if trial.ours and trial.verdict
    ]
    if not told:
        return None
    heading, trial = min(told, key=lambda one: (*_doubts(one[0]), -one[1].summary.seeds))
    how = f" ({printable(str(heading))})" if any(_doubts(heading)) else ""
    return f"beside random: {trial.difference} points{how}", trial.verdict


def _doubts(heading: Heading) -> tuple[bool, bool]:
    """Say what keeps an evaluation from telling how a network trains on the dataset as it is."""
    return heading.label_noise > 0, bool(heading.bias)


def _points(told: Difference) -> str:
    if told.low is None or told.high is None:
        return f"{100 * told.mean:+.2f}"
    return f"{100 * told.mean:+.2f} [{100 * told.low:+.2f}, {100 * told.high:+.2f}]"
