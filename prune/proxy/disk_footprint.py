"""Disk footprint of trainings: one that has no room there does not begin."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from prune.proxy.models import build, head_of
from prune.proxy.resumable_training import ResumableTraining
from prune.proxy.trace import FACTS
from prune.system.disk_space import require_room

_HALF, _SINGLE = 2, 4  # bytes of a fact, a feature and a probability; of a weight
_CHECKPOINTS = 4  # of the size of the weights: two at once, with momentum


def require_room_for(proxy_runs: Sequence[ResumableTraining]) -> None:
    """Compare what the runs will write with what is free; epochs that are there are not counted.

    Counted are the traces, the weights that are kept, and what the first leaves of run 0: features and
    probabilities of all samples.

    Raises
    ------
    OutputError
        It does not fit.
    """
    if not proxy_runs:
        return
    first = proxy_runs[0]
    with torch.device("meta"):  # its shapes only: a table of two million rows is not filled for that
        model = build(first.training.proxy, first.inputs.form, first.inputs.classes)
    weights = _SINGLE * sum(parameter.numel() for parameter in model.parameters())
    needed = sum(proxy_run.facts_left * len(FACTS) * _HALF for proxy_run in proxy_runs)
    needed += weights * (_CHECKPOINTS + sum(proxy_run.weights_left for proxy_run in proxy_runs))
    if first.run == 0:
        head = head_of(model)
        needed += len(first.inputs.labels) * (head.in_features + head.out_features) * _HALF
    require_room(first.writer.folder, needed)
