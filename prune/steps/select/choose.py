"""From a store to a selection: the plan, the choice, and the record of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows, Scores
from prune.core.column_name import FEATURES, PROBS, ColumnName
from prune.core.directions import hard_end
from prune.core.errors import DataError, MissingColumnError, OptionError
from prune.index.resource_plan import Size
from prune.selectors.stratified import published
from prune.steps.dataset_session import known_dataset
from prune.steps.report.compare import MeasuredPool, compare
from prune.steps.select import record
from prune.steps.select.by_class import (
    ChoiceTask,
    Forecast,
    Material,
    SelectionTarget,
    announced,
    checked_reweight,
    choose,
)
from prune.steps.select.class_errors import ClassErrors, class_errors, easiness, errors_in, traces
from prune.steps.select.eligible import Eligible, budget, find_eligible, hardest_are_low, score_column
from prune.steps.select.pitfalls import RankedBy, cautions, cautions_of_classes
from prune.steps.select.request import SelectRequest, checked_share
from prune.steps.select.unused_scores import unused_scores
from prune.steps.settings import Settings
from prune.steps.space_columns import GRADIENTS, SpaceSource, of_originals, space_name
from prune.store import Column, Dataset, Store


@dataclass(frozen=True)
class Prepared:
    """Everything that is settled before the selector runs."""

    store: Store
    dataset: Dataset
    request: SelectRequest
    settings: Settings
    eligible: Eligible
    task: ChoiceTask
    source: SpaceSource | None
    target: SelectionTarget | None
    forecast: Forecast | None
    errors: ClassErrors | None = None  # of the quota `drop`
    warnings: tuple[str, ...] = ()


def prepare(store: Store, request: SelectRequest, settings: Settings) -> Prepared:
    """Find who may be chosen and from what, and say what it will need.

    Raises
    ------
    OptionError, DataError, StoreError
        The request and the store do not go together, or it does not fit in memory.
    """
    dataset = known_dataset(store, settings)
    eligible = find_eligible(store, dataset, request, settings.reporter)
    errors = _errors(store, dataset, request, eligible)
    task = _task(store, request, eligible, dataset, errors)
    source = _source(store, dataset, request, settings)
    target = _target(store, request, source, settings)
    forecast = announced(task, dataset.labels, _like(store, request, source, settings), target)
    if forecast is not None:
        settings.reporter.say(str(forecast))
    warnings = _warnings(store, request, eligible, task, dataset, errors)
    for warning in warnings:
        settings.reporter.say(f"warning: {warning}")
    if remark := unused_scores(store, request, source):
        settings.reporter.say(remark)
    known = (store, dataset, request, settings, eligible, task, source, target, forecast)
    return Prepared(*known, errors, warnings)


def run(ready: Prepared) -> tuple[pa.Table, dict[str, Any]]:
    """Choose; return the manifest, and what `selection.json` says but for the time it took."""
    store, dataset, eligible, source = ready.store, ready.dataset, ready.eligible, ready.source
    chosen = choose(ready.task, _material(ready))
    table = record.manifest(store, dataset, eligible, chosen)
    about = record.about(ready.request, ready.task, eligible, table, chosen.facts)
    about |= record.provenance(store, dataset, ready.request, ready.settings)
    about["from"] = _decisive(store, ready.request)
    about["plan"] = None if ready.forecast is None else asdict(ready.forecast)
    about["warnings"] = list(ready.warnings)
    if ready.errors is not None:
        about["class_errors"] = {
            "source": ready.errors.source,
            "by_class": dict(zip(dataset.classes, ready.errors.values.tolist(), strict=True)),
        }
    vectors, pool = (
        None if source is None else source.vectors,
        MeasuredPool(eligible.rows, eligible.given, eligible.dropped),
    )
    about["report"] = compare(
        vectors, dataset.labels, pool, np.sort(chosen.rows), len(dataset.classes), ready.request.seed
    )
    return table, about


def _like(store: Store, request: SelectRequest, source: SpaceSource | None, settings: Settings) -> Size:
    if source is not None and "space" in request.selector.needs:
        return source.like
    width = store.column(PROBS).shape[1] if PROBS in request.selector.needs else 1
    return Size(0, width, settings.memory_limit if source is None else source.memory)


def _target(
    store: Store, request: SelectRequest, source: SpaceSource | None, settings: Settings
) -> SelectionTarget | None:
    if request.target is None:
        return None
    from prune.steps.select.target import open_target

    assert source is not None, "methods that take a target need a space"
    return open_target(
        store,
        request.target,
        source.name,
        settings,
        weights=request.target_weights,
        split=request.target_split,
        device=source.device,
        memory=source.memory,
    )


def _source(store: Store, dataset: Dataset, request: SelectRequest, settings: Settings) -> SpaceSource | None:
    """Return the space that the method computes in, and the report measures in.

    Methods that need none are still measured, where it is clear in which.

    Raises
    ------
    OptionError, MissingColumnError
        The method needs a space, and it is not there or not clear which.
    """
    try:
        name = space_name(store, request.on or request.selector.on or None)
    except (OptionError, MissingColumnError):
        if request.needs_space or request.on is not None:
            raise
        return None
    return SpaceSource(store, dataset, name, device=request.device(settings), memory=settings.memory_limit)


def _errors(store: Store, dataset: Dataset, request: SelectRequest, eligible: Eligible) -> ClassErrors | None:
    """Return how often each class is mistaken, if the budget is split by it."""
    if request.quota != "drop":
        return None
    if request.quota_errors is not None:
        return errors_in(Path(request.quota_errors), dataset.classes)
    return class_errors(store, dataset, np.union1d(eligible.rows, eligible.given))


def _warnings(
    store: Store,
    request: SelectRequest,
    eligible: Eligible,
    task: ChoiceTask,
    dataset: Dataset,
    errors: ClassErrors | None,
) -> tuple[str, ...]:
    column = _score_used(store, request)
    of_choice = cautions(
        selector=request.selector,
        by=None if column is None else RankedBy.of(column),
        kept=1.0 if task.k is None else task.k / eligible.usable,
        labels=dataset.labels[eligible.rows],
        quota=task.quota,
        turned=task.options.get("tau", 1.0) < 0,
    )
    of_classes = cautions_of_classes(
        dropped=dataset.labels[eligible.dropped],
        labels=dataset.labels[eligible.rows],
        classes=dataset.classes,
        held_out=errors is None or errors.held_out,
    )
    return (*of_choice, *of_classes)


def _score_used(store: Store, request: SelectRequest) -> Column | None:
    """Return the score that the method needs, or takes and was given."""
    method = request.selector
    if "scores" in method.needs or (method.takes("scores") and request.score is not None):
        return score_column(store, request.score, method.score)
    return None


def _decisive(store: Store, request: SelectRequest) -> dict[str, str]:
    """Return the columns that decide, name -> identity: made again, they would choose other samples."""
    method, names = request.selector, set[str]()
    if request.needs_space:
        space = space_name(store, request.on or method.on or None)
        names |= {PROBS, FEATURES} if space == GRADIENTS else {space}
    if PROBS in method.needs:
        names.add(PROBS)
    column = _score_used(store, request)
    if column is not None:
        names.add(column.name)
    if checked_share(request.drop_hardest):
        names.add(score_column(store, request.drop_by or request.score, method.score).name)
    if request.quota == "drop" and request.quota_errors is None:
        names |= {trace.name for trace in traces(store)}
    shown = store.state["columns"]
    return {name: shown[name] for name in sorted(names)}


def _options(store: Store, request: SelectRequest, eligible: Eligible) -> dict[str, Any]:
    """Return the options of the method: it cuts off no hardest samples where the user said how many."""
    options = dict(request.options)
    if "cutoff" in request.selector.options:
        if request.drop_hardest is not None and (request.drop_hardest != "auto" or len(eligible.dropped)):
            options.setdefault("cutoff", "none")
        options["cutoff"] = published(options.get("cutoff", "auto"), eligible.usable)
    if "hard" in request.selector.options and options.get("hard") is None:
        column = _score_used(store, request)
        assert column is not None
        options["hard"] = hard_end(column.recipe["high"])
    if "lowest" in request.selector.options and options.get("lowest") is None:
        column = _score_used(store, request)
        options["lowest"] = None if column is None else hardest_are_low(column)
    return options


def _task(
    store: Store, request: SelectRequest, eligible: Eligible, dataset: Dataset, errors: ClassErrors | None
) -> ChoiceTask:
    """Return what is to be chosen, in terms of rows."""
    _require_hard(store, request)
    return ChoiceTask(
        method=request.selector,
        rows=eligible.rows,
        k=budget(request, eligible),
        given=eligible.given,
        quota=request.split_over(dataset.labels, eligible.rows),
        floor=request.quota_floor,
        cap=request.quota_cap,
        errors=None if errors is None else errors.values,
        seed=request.seed,
        reweight=checked_reweight(request.reweight),
        options=_options(store, request, eligible),
    )


def _material(ready: Prepared) -> Material:
    store, dataset, request, source = ready.store, ready.dataset, ready.request, ready.source
    method, keys = request.selector, dataset.samples["key"]
    column, rows = _score_used(store, request), np.union1d(ready.eligible.rows, ready.task.given)
    scores = None if column is None else column.read()
    if scores is not None:
        _require_finite(scores, rows, dataset)
    easy = None
    if column is not None and "easiness" in method.needs:
        easy = easiness(store, column)
        _require_watched(easy, rows, request)
    return Material(
        labels=dataset.labels,
        keys=lambda rows: keys.take(pa.array(rows)).to_pylist(),
        space=None if source is None else source.space,
        scores=scores,
        easiness=easy,
        probs=of_originals(store.column(PROBS), dataset) if PROBS in method.needs else None,
        target=ready.target,
    )


def _require_hard(store: Store, request: SelectRequest) -> None:
    """Refuse to draw the hard and uncertain by a score that is high where it is easy."""
    column = _score_used(store, request) if "easiness" in request.selector.needs else None
    if column is not None and column.recipe["high"] == "easy":
        name = ColumnName(column.name).of
        raise OptionError(
            f"{request.method} prefers high scores, and those of {name} are of easy samples", "--score dual"
        )


def _require_watched(easy: Scores, rows: Rows, request: SelectRequest) -> None:
    """Refuse samples that no proxy looked at during training."""
    if lacking := int((~np.isfinite(easy[rows])).sum()):
        raise OptionError(
            f"{request.method} goes by the probability of the label, and {lacking} of {len(rows)} samples "
            "have none: prune score --on-fraction filled in their scores",
            "prune score --type dual without --on-fraction, or --method gumbel, which needs scores only",
        )


def _require_finite(scores: Scores, rows: Rows, dataset: Dataset) -> None:
    bad = rows[~np.isfinite(scores[rows])]
    if len(bad):
        first = dataset.samples["key"][int(bad[0])].as_py()
        raise DataError(f"{len(bad)} scores are not finite; the first is of {first}", "run prune score again")
