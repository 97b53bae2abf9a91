"""Everything that the page shows of a selection, gathered in the order in which it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import prune
from prune.steps.report.page import facts
from prune.steps.report.page.cards import Panel, panels
from prune.steps.report.page.charts.accuracy import accuracy_charts
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.classes import Balance, balance, class_chart
from prune.steps.report.page.charts.coverage import coverage_chart
from prune.steps.report.page.charts.divergence import divergence_chart
from prune.steps.report.page.charts.plane import map_charts
from prune.steps.report.page.charts.scores import score_charts
from prune.steps.report.page.charts.times import time_chart
from prune.steps.report.page.gallery import grids
from prune.steps.report.page.subject import Subject
from prune.steps.report.page.verdicts import TrialGroup, trial_groups, verdict


@dataclass(frozen=True)
class Content:
    """What the page shows."""

    subject: Subject
    trials: Sequence[TrialGroup]
    accuracy: Sequence[Chart]  # one a group of trials
    panels: Sequence[Panel]
    balance: Balance | None
    scores: Sequence[Chart]
    classes: Chart | None
    space: Sequence[Chart]  # coverage, divergence and maps
    times: Chart | None

    @property
    def charts(self) -> list[Chart]:
        """All of them, in the order of the page."""
        return [
            *self.accuracy,
            *self.scores,
            *([self.classes] if self.classes else []),
            *self.space,
            *([self.times] if self.times else []),
        ]


def gather(subject: Subject, page: Path) -> Content:
    """Look at everything; `page` is the folder that links start from."""
    found = balance(subject)
    space = [chart for chart in (coverage_chart(subject), divergence_chart(subject)) if chart is not None]
    trials = trial_groups(subject)
    return Content(
        subject=subject,
        trials=trials,
        accuracy=list(accuracy_charts(trials)),
        panels=panels(subject, list(grids(subject)), page),
        balance=found,
        scores=list(score_charts(subject)),
        classes=None if found is None else class_chart(found),
        space=[*space, *map_charts(subject)],
        times=time_chart(subject),
    )


def variables(content: Content) -> dict[str, Any]:
    """Return what the template is filled with."""
    subject = content.subject
    return {
        "name": subject.chosen.name,
        "dataset": facts.where(subject),
        "title": f"{int(subject.about['k']):,} of {facts.total(subject):,} samples kept",
        "method": subject.about["method"],
        "share": facts.share(subject),
        "command": facts.command(subject),
        "glance": facts.glance(subject, content.balance, verdict(content.trials)),
        "trials": content.trials,
        "accuracy": content.accuracy,
        "notices": list(facts.notices(subject)),
        "reasons": facts.reasons(subject),
        "panels": content.panels,
        "balance": content.balance,
        "sections": _sections(content),
        "scores": content.scores,
        "classes": content.classes,
        "space": content.space,
        "times": content.times,
        "cost": facts.cost(subject),
        "provenance": facts.provenance(subject),
        "version": prune.__version__,
        "seed": subject.settings.seed,
    }


def _sections(content: Content) -> list[tuple[str, str]]:
    """Return the sections that there are: anchor and heading."""
    there = {
        ("evaluation", "Evaluation"): content.trials,
        ("samples", "Samples"): content.panels,
        ("scores", "Scores"): content.scores,
        ("classes", "Classes"): content.classes,
        ("space", "Coverage and map"): content.space,
        ("cost", "Time and cost"): True,
        ("provenance", "Provenance"): True,
    }
    return [section for section, shown in there.items() if shown]
