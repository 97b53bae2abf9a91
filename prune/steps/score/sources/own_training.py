"""Scores from a training that is not a proxy's: the user's own trace, or their model's checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.column_name import FEATURES, IMAGES
from prune.core.errors import MissingColumnError, OptionError
from prune.proxy import Training
from prune.steps.dataset_session import Opened, require_images
from prune.steps.rejects import check_rejects
from prune.steps.score.all_scores import all_scores
from prune.steps.score.compute import Scored
from prune.steps.score.inputs import (
    ScoringJob,
    rehearse,
    space_of,
)
from prune.steps.score.request import ProxyRequest
from prune.steps.score.score_request import ScoreRequest
from prune.steps.score.sources.checkpoint import Model, checked, images_of, usable_rows
from prune.steps.score.sources.own_trace import (
    OwnTrace,
    own_traces,
    require_alike,
    require_epochs,
    require_supplied,
)
from prune.steps.score.unlabelled import require_labels
from prune.store import identity

__all__ = ["Model", "own_scores", "plan_of"]

OWN = "own"  # what `--proxy` says of a trace that no proxy wrote


def own_scores(
    opened: Opened,
    wanted: ScoreRequest,
    training: Training,
    *,
    request: ProxyRequest,
    on: str | None,
    model: Model | None,
    proxy: str | None,
) -> Scored | None:
    """Compute scores from a checkpoint or the user's own trace; None where a proxy is to be trained.

    A trace of the user's own counts where the store shows one, unless they name a proxy.

    Parameters
    ----------
    proxy
        What `--proxy` says: None, `own`, which insists on such a trace, or the name of a proxy.

    Raises
    ------
    MissingColumnError
        `own` is asked for, and there is no such trace.
    OptionError
        A checkpoint and a proxy are asked for, or what only proxies can do; and as `checked` and
        `own_columns`.
    """
    if not (wanted.trained or space_of(opened, wanted.needs, on) == FEATURES):
        if model is not None:
            raise OptionError(f"{', '.join(wanted.methods)} needs no model", "leave --checkpoint out")
        if IMAGES in wanted.needs:
            require_images(opened)
        return None
    if model is not None:
        if proxy is not None and training.of_images:
            raise OptionError(f"--checkpoint takes the place of --proxy {proxy}", "leave one of the two out")
        request.require_none("there is no proxy to train: the model is a checkpoint")
        return own_columns(opened, wanted, checked(opened, wanted, model, training, on), training, on)
    own = None
    if proxy in {None, OWN} and opened.store.holds_dataset(opened.fingerprint):
        own = own_traces(opened.store)
    if own is None and proxy == OWN:
        raise MissingColumnError(
            f"{opened.store.path} has no trace of a training of yours",
            "prune.trace.TraceWriter writes one; or --checkpoint FILE --model module:factory",
        )
    if own is None:
        if training.of_images:
            require_images(opened)
        return None
    request.require_none(f"there is no proxy to train: scores come from {own}")
    return own_columns(opened, wanted, own, training, on)


def plan_of(asked: Mapping[str, Any] | None, seed: int) -> tuple[Training, str | None]:
    """Return how a proxy would be trained, and what `--proxy` says."""
    given = {"seed": seed, **(asked or {})}
    proxy = given.pop("proxy", None)
    return Training.of("resnet8" if proxy in {None, OWN} else proxy, **given), proxy


def own_columns(
    opened: Opened, wanted: ScoreRequest, own: OwnTrace, training: Training, on: str | None
) -> Scored:
    """Compute scores from the user's own training.

    Raises
    ------
    OptionError
        A score compares epochs, and there is one.
    MissingColumnError
        A score needs the network or features, and the trace came without.
    RejectsError
        Samples cannot be used; those that a partial trace lacks just get no score, unless it is all.
    """
    space, images, say = space_of(opened, wanted.needs, on), None, opened.settings.reporter.say
    require_epochs(wanted.methods, own.epochs, str(own))
    require_alike(own, {name: (m, wanted.options[name]) for name, m in wanted.methods.items()})
    require_supplied(wanted.needs | ({"features"} if space == FEATURES else set()), own)
    remarks = [rehearse(m, wanted.options[name], own.epochs) for name, m in wanted.methods.items()]
    published, rejects = dict(own.columns), {**opened.dataset.rejects, **own.rejects}
    if IMAGES in wanted.needs:
        images = images_of(opened, training.size)
        published[images.name], rejects = identity(images.recipe), {**rejects, **images.rejects}
    if space is not None and space != FEATURES:
        column = opened.store.column(space)
        published[space], rejects = identity(column.recipe), {**rejects, **column.rejects}
    usable = usable_rows(opened, rejects)
    unforeseen = {row: why for row, why in rejects.items() if row not in own.partial}
    check_rejects(opened, unforeseen if len(usable) else rejects)
    require_labels(opened, wanted.methods, usable, trains=False)
    say(f"scores come from {own}; --proxy resnet8 trains a proxy instead")
    for remark in filter(None, remarks):
        say(remark)
    job = ScoringJob(opened, published, range(own.runs), usable, images, space)
    done, about, seconds = all_scores(job, wanted)
    cost = {"device": opened.settings.torch_device, "scores": seconds}
    return Scored({**published, **done}, about, cost, None)
