"""Samples without a label: refused, left out of selections, or kept without scores that look at labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.column_name import IMAGES
from prune.core.errors import NoLabelsError
from prune.core.method_rows import Scorer
from prune.modalities import MODALITIES
from prune.steps.dataset_session import Opened
from prune.steps.score.inputs import TRAINED


def require_some_labels(opened: Opened, wanted: Mapping[str, Scorer], usable: Rows, *, trains: bool) -> None:
    """Refuse a dataset without any label where a score or a proxy looks at them.

    Raises
    ------
    NoLabelsError
        No sample has one.
    """
    if not len(usable) or (opened.dataset.labels[usable] >= 0).any():
        return
    needy = [name for name, method in wanted.items() if method.looks_at_labels]
    taught = [name for name, method in wanted.items() if set(method.needs) & TRAINED]
    blocked = (
        needy
        or (taught if trains else [])
        or ([n for n, m in wanted.items() if m.needs != [IMAGES]] if trains else [])
    )
    if blocked:
        what = "labels" if needy or taught else "an embedding, or labels to train a proxy on"
        raise NoLabelsError(f"{', '.join(blocked)} needs {what}, and none has one", _without(opened))


def require_labels(opened: Opened, wanted: Mapping[str, Scorer], usable: Rows, *, trains: bool) -> None:
    """Refuse samples without a label where a score looks at it, unless the user said what to do with them.

    Raises
    ------
    NoLabelsError
        Some have none and nothing was said, or all have none and a proxy would have to learn from labels.
    """
    require_some_labels(opened, wanted, usable, trains=trains)
    labels, mode = opened.dataset.labels[usable], opened.settings.unlabelled
    missing = int((labels < 0).sum())
    needy = [name for name, method in wanted.items() if method.looks_at_labels]
    taught = [name for name, method in wanted.items() if set(method.needs) & TRAINED]
    if missing and needy and mode is None:
        told = f"{', '.join(needy)} needs labels, and {missing} of {len(labels)} samples have none"
        raise NoLabelsError(told, _SOME)
    if missing and needy:
        kept = "left out" if mode == "skip" else "kept without a score"
        opened.settings.reporter.say(f"{missing} of {len(labels)} samples have no label and are {kept}")
    if taught and len(np.unique(labels[labels >= 0])) == 1:
        names = ", ".join(taught)
        opened.settings.reporter.say(f"there is one class only: {names} cannot tell samples apart")


_SOME = "add --unlabelled skip to leave them out, or --unlabelled keep to keep them without a score"


def _without(opened: Opened) -> str:
    """Return what to do about a dataset without labels."""
    measure = MODALITIES[opened.dataset.modality].measure
    return (
        "--labels FILE.csv takes labels from a file; prune embed works without labels; so does prune score "
        f"--type {measure}"
    )


def judged(opened: Opened, method: Scorer, usable: Rows) -> tuple[Rows, dict[str, Any]]:
    """Return the rows that a score can be given to, and what its recipe says of the others."""
    if not method.looks_at_labels:
        return usable, {}
    labelled = usable[opened.dataset.labels[usable] >= 0]
    if len(labelled) == len(usable):
        return usable, {}
    return labelled, {"unlabelled": opened.settings.unlabelled}
