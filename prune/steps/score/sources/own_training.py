"""Facts from a training that is not a proxy's: the user's own trace, or their model's checkpoint."""

from __future__ import annotations

from prune.core.column_name import EMBEDDING, FEATURES, FIRST_RUN, IMAGES
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.steps.dataset_session import Opened
from prune.steps.expected_modality import require_images, usual_proxy
from prune.steps.proxy_inputs import require_seen
from prune.steps.recovery import commands_of
from prune.steps.rejects import check_rejects
from prune.steps.score.facts import ScoreFacts, usable_rows
from prune.steps.score.inputs import space_of
from prune.steps.score.request import OWN, ScoreRequest
from prune.steps.score.sources.checkpoint import checked
from prune.steps.score.sources.own_trace import (
    OwnTrace,
    own_traces,
    require_alike,
    require_epochs,
    require_supplied,
)
from prune.steps.score.unlabelled import require_labels
from prune.store import identity


def own_facts(opened: Opened, wanted: ScoreRequest) -> ScoreFacts | None:
    """Return what a checkpoint or the user's own trace left; None where a proxy is to be trained.

    A trace of the user's own counts where the store shows one, unless they name a proxy.

    Raises
    ------
    MissingColumnError
        `own` is asked for, and there is no such trace.
    OptionError
        A checkpoint and a proxy are asked for, or what only proxies can do; and as `checked` and `_facts`.
    """
    model, proxy = wanted.model, wanted.proxy
    if not (wanted.trained or space_of(opened, wanted.needs, wanted.on) == FEATURES):
        if model is not None:
            raise OptionError(f"{', '.join(wanted.methods)} needs no model", "leave --checkpoint out")
        if IMAGES in wanted.needs:
            require_images(opened.reader, opened.dataset)
        return None
    if model is not None:
        if proxy is not None and wanted.training.looks_at != EMBEDDING:
            raise OptionError(f"--checkpoint takes the place of --proxy {proxy}", "leave one of the two out")
        wanted.proxies.require_none("there is no proxy to train: the model is a checkpoint")
        return _facts(opened, wanted, checked(opened, wanted, model))
    own = None
    if proxy in {None, OWN} and opened.store.holds_dataset(opened.fingerprint):
        own = own_traces(opened.store)
    if own is None and proxy in {None, OWN}:
        _require_no_earlier(opened)
    if own is None and proxy == OWN:
        raise MissingColumnError(
            f"{opened.store.path} has no trace of a training of yours",
            "prune.trace.TraceWriter writes one; or --checkpoint FILE --model module:factory",
        )
    if own is None:
        require_seen(opened, wanted.training)
        return None
    wanted.proxies.require_none(
        f"there is no proxy to train: scores come from {own}", hint=f"leave it out; {_instead(opened)}"
    )
    return _facts(opened, wanted, own)


def _require_no_earlier(opened: Opened) -> None:
    """Refuse to train a proxy where scores came from a training of the user's, and the dataset grew.

    Raises
    ------
    StoreError
        The store has its trace of the dataset as it was: it knows nothing of new samples.
    """
    source = opened.growth.recipe_of(FIRST_RUN).get("source")
    if source is None:
        return
    whose = "your model's checkpoint" if source == "checkpoint" else "your own training"
    again = commands_of(opened.store)(FIRST_RUN)
    if not again.startswith("prune "):
        again = "run your training with prune.trace.TraceWriter again"
    raise StoreError(
        f"stale: the dataset changed since {whose} looked at it", f"{again}; or {_instead(opened)}"
    )


def _facts(opened: Opened, wanted: ScoreRequest, own: OwnTrace) -> ScoreFacts:
    """Return what scores need of the user's own training.

    Raises
    ------
    OptionError
        A score compares epochs, and there is one.
    MissingColumnError
        A score needs the network or features, and the trace came without.
    RejectsError
        Samples cannot be used; those that a partial trace lacks just get no score, unless it is all.
    """
    space, images = space_of(opened, wanted.needs, wanted.on), None
    instead = _instead(opened)
    require_epochs(wanted.methods, own.epochs, str(own), instead)
    require_alike(own, wanted.settled)
    require_supplied(wanted.needs | ({"features"} if space == FEATURES else set()), own, instead)
    remarks = wanted.rehearse(own.epochs)
    published, rejects = dict(own.columns), {**opened.dataset.rejects, **own.rejects}
    if IMAGES in wanted.needs:
        images = opened.pixels(wanted.training.size)
        published[images.name], rejects = identity(images.recipe), {**rejects, **images.rejects}
    if space is not None and space != FEATURES:
        column = opened.store.column(space)
        published[space], rejects = identity(column.recipe), {**rejects, **column.rejects}
    usable = usable_rows(opened, rejects)
    unforeseen = {row: why for row, why in rejects.items() if row not in own.partial}
    check_rejects(opened, unforeseen if len(usable) else rejects)
    require_labels(opened, wanted.methods, usable, trains=False)
    for remark in [f"scores come from {own}; {instead} instead", *remarks]:
        opened.settings.reporter.say(remark)
    return ScoreFacts(columns=published, usable=usable, runs=own.runs, images=images, space=space)


def _instead(opened: Opened) -> str:
    return f"--proxy {usual_proxy(opened.reader, opened.dataset)} trains a proxy"
