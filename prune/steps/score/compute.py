"""From names of scores to columns: what each needs is computed once, then every score is arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prune.core.arrays import Scores
from prune.core.column_name import FEATURES, IMAGES, scores_among
from prune.core.errors import MissingColumnError, OptionError
from prune.proxy import Training, cache_images
from prune.steps.dataset_session import Opened
from prune.steps.rejects import all_rejects, check_rejects
from prune.steps.score.all_scores import all_scores
from prune.steps.score.cost import cost_of, spent
from prune.steps.score.earlier_training import earlier, require_told, settled
from prune.steps.score.inputs import (
    SPACE,
    ScoringJob,
    embeddings_of,
    is_there,
    present,
    space_of,
)
from prune.steps.score.proxy_runs import TrainedRuns, TrainingTask, train
from prune.steps.score.request import ProxyRequest
from prune.steps.score.score_request import ScoreRequest
from prune.steps.score.unlabelled import require_labels
from prune.steps.space_columns import embedding_name
from prune.store import Column, identity


@dataclass(frozen=True)
class Scored:
    """What was computed."""

    columns: dict[str, str]  # to publish: name -> identity
    about: dict[str, dict[str, Any]] = field(default_factory=dict)  # of each score: see `_about`
    cost: dict[str, Any] = field(default_factory=dict)
    trained: TrainedRuns | None = None
    request: ProxyRequest | None = None  # what of it was said, and what was taken over

    @property
    def facts(self) -> dict[str, Any]:
        """What the command says of all scores together."""
        facts: dict[str, Any] = {"cost": self.cost} if self.cost else {}
        if self.trained is not None:
            facts |= {"runs": self.trained.runs, "epochs": self.trained.training.last}
            facts |= {"stable": self.trained.stable} if self.trained.stable else {}
            facts |= {"cross_fit": len(self.trained.folds[0])} if self.trained.folds else {}
        return facts


def score_columns(
    opened: Opened, wanted: ScoreRequest, training: Training, *, request: ProxyRequest, on: str | None
) -> Scored:
    """Compute scores and all that they need.

    Raises
    ------
    OptionError
        Something was said of a training, and nothing is trained.
    """
    told, before = request, earlier(opened.store, opened.fingerprint)
    training, request, looked = settled(before, training, told, opened.settings.seed, on)
    remarks = wanted.rehearse(training)
    fills = {SPACE} if request.on_fraction is not None and on is not None else set()
    space = space_of(opened, wanted.needs | fills, on)
    request.require_comparable(wanted.mixing(space))
    asked = bool(told.words) and space == FEATURES  # of those that are there, others may be meant
    trains = wanted.trained or (SPACE in wanted.needs and (asked or not is_there(opened, space)))
    if not trains:
        told.require_none(f"{', '.join(wanted.methods)} trains nothing", hint="leave it out")
    inputs, published = None, dict[str, str]()
    rejects = opened.dataset.rejects
    if trains or IMAGES in wanted.needs:
        require_told(opened.store, before, request, trains=trains)
        inputs, published = _inputs(opened, wanted, training, looked)
        rejects = {**rejects, **inputs.rejects}
    if space is not None and is_there(opened, space) and not (trains and space == FEATURES):
        published |= present(opened, space)
        rejects = {**rejects, **opened.store.column(space).rejects}
        if space == FEATURES:
            rejects = {**rejects, **all_rejects(opened.store, opened.dataset)}
    check_rejects(opened, rejects)
    usable = np.setdiff1d(opened.dataset.usable, np.array(sorted(rejects), np.int64))
    require_labels(opened, wanted.methods, usable, trains=trains)
    as_before = [f"as the trace that is there: {before}"] if trains and before and not told.is_said else []
    for remark in [*as_before, *remarks]:
        opened.settings.reporter.say(remark)
    cost_before, trained = spent(opened.store), None
    if trains:
        assert inputs is not None
        pairs = {name: (method, wanted.options[name]) for name, method in wanted.methods.items()}
        trained = train(TrainingTask(opened, inputs, pairs, usable, request), training)
        published |= trained.columns
    images = inputs if IMAGES in wanted.needs else None
    job = ScoringJob(opened, published, range(trained.runs if trained else 1), usable, images, space)
    done, about, seconds = all_scores(job, wanted, trained, FEATURES if on is None else space)
    cost = cost_of(opened.store, trained, seconds, cost_before, opened.settings.torch_device)
    return Scored({**published, **done}, about, cost, trained, request)


def _inputs(
    opened: Opened, wanted: ScoreRequest, training: Training, on: str | None
) -> tuple[Column, dict[str, str]]:
    """What the proxy looks at: cached images, or an embedding that exists already."""
    settings = opened.settings
    if not training.of_images:
        return _embedding(opened, wanted, on), {}
    column = cache_images(
        opened.store,
        opened.images,
        opened.dataset,
        training.size,
        workers=settings.workers,
        reporter=settings.reporter,
    )
    return column, {column.name: identity(column.recipe)}


def _embedding(opened: Opened, wanted: ScoreRequest, on: str | None) -> Column:
    for name, method in wanted.methods.items():
        if IMAGES in method.needs:
            raise OptionError(f"{name} looks at images, --proxy linear at an embedding", "leave --proxy out")
    has_own = any(name != FEATURES for name in embeddings_of(opened))
    if on == "proxy" or (on is None and not has_own):
        raise MissingColumnError(
            "--proxy linear needs an embedding to look at", "prune embed --encoder resnet18 DATA"
        )
    return opened.store.column(embedding_name(opened.store, on))


def scores_of(opened: Opened, columns: Mapping[str, str]) -> dict[str, Scores]:
    """Read the scores among some published columns, without their companions."""
    return {c.of: opened.store.open_column(c, columns[c]).read() for c in scores_among(columns)}
