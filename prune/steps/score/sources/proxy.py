"""Facts from proxies: trained where they are not there, and where some score needs one at all."""

from __future__ import annotations

from prune.core.column_name import EMBEDDING, FEATURES, IMAGES
from prune.core.errors import MissingColumnError, OptionError
from prune.proxy import Training
from prune.steps.dataset_session import Opened
from prune.steps.proxy_inputs import require_continuous, seen
from prune.steps.rejects import all_rejects, check_rejects
from prune.steps.score.carried_training import CarriedTraining
from prune.steps.score.control import with_control
from prune.steps.score.cost import spent
from prune.steps.score.earlier_training import earlier, require_told, settled
from prune.steps.score.facts import ScoreFacts, usable_rows
from prune.steps.score.inputs import SPACE, embeddings_of, is_there, present, space_of
from prune.steps.score.proxy_runs import TrainingTask, train
from prune.steps.score.request import ScoreRequest
from prune.steps.score.unlabelled import require_labels, require_some_labels
from prune.steps.space_columns import embedding_name
from prune.store import Column, identity


def proxy_facts(opened: Opened, wanted: ScoreRequest) -> ScoreFacts:
    """Return what scores need, from proxies that are there or trained now; of an embedding, as it is.

    Raises
    ------
    OptionError
        Something was said of a training, and nothing is trained.
    """
    before = earlier(opened.store, opened.fingerprint, opened.growth)
    told, on = wanted.proxies_to_train, wanted.on
    training, request, looked = settled(before, wanted.training, told, opened.settings.seed, on)
    remarks = wanted.rehearse(training.epochs)
    fills = {SPACE} if request.on_fraction is not None and on is not None else set()
    space = space_of(opened, wanted.needs | fills, on)
    request.require_comparable(wanted.mixing(space))
    asked = bool(told.words) and space == FEATURES  # of those that are there, others may be meant
    trains = wanted.trained or (SPACE in wanted.needs and (asked or not is_there(opened, space)))
    if not trains:
        told.require_none(f"{', '.join(wanted.methods)} trains nothing", hint="leave it out")
    inputs, published = None, dict[str, str]()
    rejects = opened.dataset.rejects
    require_some_labels(opened, wanted.methods, usable_rows(opened, rejects), trains=trains)
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
    usable = usable_rows(opened, rejects)
    require_labels(opened, wanted.methods, usable, trains=trains)
    as_before = [f"as the trace that is there: {before}"] if trains and before and not told.is_said else []
    for remark in [*as_before, *remarks]:
        opened.settings.reporter.say(remark)
    spent_before, trained = spent(opened.store), None
    if trains:
        assert inputs is not None
        carried = CarriedTraining(opened, inputs, training, request, usable).found()
        task = TrainingTask(opened, inputs, wanted.settled, usable, request, carried)
        trained = with_control(task, train(task, training))
        published |= trained.columns
    return ScoreFacts(
        columns=published,
        usable=usable,
        runs=trained.runs if trained else 1,
        images=inputs if IMAGES in wanted.needs else None,
        space=space,
        trained=trained,
        near=FEATURES if on is None else space,
        request=request,
        spent=spent_before,
    )


def _inputs(
    opened: Opened, wanted: ScoreRequest, training: Training, on: str | None
) -> tuple[Column, dict[str, str]]:
    """What the proxy looks at: images or n-grams, cached, or an embedding that exists already."""
    if training.looks_at == EMBEDDING:
        return _embedding(opened, wanted, on), {}
    require_continuous(wanted.methods, training)
    column = seen(opened, training)
    return column, {column.name: identity(column.recipe)}


def _embedding(opened: Opened, wanted: ScoreRequest, on: str | None) -> Column:
    for name, method in wanted.methods.items():
        if IMAGES in method.needs:
            raise OptionError(f"{name} looks at images, --proxy linear at an embedding", "leave --proxy out")
    has_own = any(name != FEATURES for name in embeddings_of(opened))
    if on == "proxy" or (on is None and not has_own):
        raise MissingColumnError("--proxy linear needs an embedding to look at", "prune embed DATA")
    return opened.store.column(embedding_name(opened.store, on))
