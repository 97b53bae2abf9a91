"""The control of a proxy: a training on half of the old samples, asked about others as about new ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from prune.core.column_name import FIRST_RUN
from prune.core.safe_text import counted
from prune.proxy import Proxy, Training, control_of, grown_rows, learnt_before, planned, run_proxies
from prune.steps.score.inputs import ScoringJob, of_run
from prune.steps.score.later_samples import LaterSamples
from prune.steps.score.proxy_runs import TrainedRuns, TrainingTask, measure


def with_control(task: TrainingTask, done: TrainedRuns) -> TrainedRuns:
    """Add what tells how far scores of samples that came later lie, where proxies never trained on some."""
    if task.carried is None or task.request.cross_fit is not None:
        return done
    if task.carried.first.share is not None:  # a part: all others are filled in
        return replace(done, later=LaterSamples(np.zeros(0, np.int64)))
    opened, training = task.opened, done.training
    trace = opened.store.open_column(FIRST_RUN, done.columns[FIRST_RUN])
    rows = grown_rows(trace)
    assert rows is not None
    learnt, watched = rows
    later = np.setdiff1d(watched[opened.dataset.labels[watched] >= 0], learnt)
    if not len(later):
        return done
    found = LaterSamples(later, learnt=learnt_before(trace, opened.dataset, later))
    if not _looked_at(task, done, later):
        return replace(done, later=found)
    control = task.carried.control
    if control is None:
        share = control_of(opened.dataset, learnt, training.seed)
        if share is None:
            return replace(done, later=found)
        control = Proxy(0, share)
    columns = dict(_trained(task, training, control))
    measure(task, training, control, columns)
    return replace(done, columns=done.columns | columns, later=replace(found, control=control))


def _looked_at(task: TrainingTask, done: TrainedRuns, later: np.ndarray) -> bool:
    """Whether the network itself gave some score to samples that came later."""
    job = ScoringJob(task.opened, done.columns, range(done.runs), task.usable)
    return any(
        np.isfinite(of_run(job, method, options, 0)[later]).any() for method, options in task.judged.values()
    )


def _trained(task: TrainingTask, training: Training, control: Proxy) -> dict[str, str]:
    opened, device = task.opened, task.opened.settings.torch_device
    place = (opened.store, opened.dataset, task.inputs, training)
    (plan,) = planned(*place, [control], device=device)
    assert control.share is not None
    if plan.done < plan.of:
        opened.settings.reporter.say(
            f"training {training.proxy} on {counted(len(control.share.learnt), 'sample')} of before, to "
            "measure how far scores of new ones, which it never trained on, may lie"
        )
    return run_proxies(*place, [control], device=device, reporter=opened.settings.reporter)
