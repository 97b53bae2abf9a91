"""What a selection is made from, resolved once: the columns, who may be chosen, the task, the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Rows, Scores
from prune.core.column_name import PROBS, ColumnName
from prune.core.directions import hard_end
from prune.core.errors import DataError, MissingColumnError, OptionError
from prune.core.sample_keys import SampleKeys
from prune.index.resource_plan import Size
from prune.selectors.stratified import published
from prune.steps.columns.read import read_columns
from prune.steps.dataset_session import Opened, known_dataset, opened_under_lock
from prune.steps.duplicate_units import DuplicateUnits
from prune.steps.neighbour_columns import NeighbourColumns
from prune.steps.rejects import all_rejects
from prune.steps.score_columns import hardest_are_low, score_column
from prune.steps.select.by_class import (
    ChoiceTask,
    ElsewhereChooser,
    Material,
    SelectionTarget,
    checked_reweight,
)
from prune.steps.select.class_errors import ClassErrors, class_errors, easiness, errors_in
from prune.steps.select.deciding_columns import deciding_columns
from prune.steps.select.eligible import Eligible, budget, find_eligible
from prune.steps.select.groups import ColumnGroups, column_groups
from prune.steps.select.kept_selection import KeptSelection, kept_selection
from prune.steps.select.narrowing import EarlierSelection, Narrowing, narrowing
from prune.steps.select.partition_units import PartitionUnits
from prune.steps.select.request import SelectRequest
from prune.steps.settings import Settings
from prune.steps.space_columns import GRADIENTS, SpaceSource, of_originals, space_name
from prune.steps.text_payloads import require_texts, texts_of
from prune.store import Column, Dataset, Store


@dataclass(frozen=True, kw_only=True)
class SelectionInputs:
    """All that is settled before the selector runs; what is absent nobody asked for."""

    store: Store
    dataset: Dataset
    request: SelectRequest
    settings: Settings
    eligible: Eligible
    narrowed: Narrowing
    task: ChoiceTask
    score: Column | None  # that the method goes by
    hardest_by: Column | None  # that says which samples are hardest
    probs: Column | None
    space: SpaceSource | None  # that it computes in, and that the report measures in
    target: SelectionTarget | None
    errors: ClassErrors | None  # of the quota `drop`
    groups: ColumnGroups | None  # that the budget is split over, instead of classes
    opened: Opened | None  # the dataset, for methods that read its texts
    before: KeptSelection | None = None  # an earlier selection that this one goes on from

    @property
    def decisive(self) -> dict[str, str]:
        """The columns that decide, name -> identity: made again, they would choose other samples."""
        return deciding_columns(self.store, self.request)

    @property
    def like(self) -> Size:
        """Width, memory and device of what the method computes in."""
        if self.space is not None and "space" in self.request.selector.needs:
            return self.space.like
        width = 1 if self.probs is None else self.probs.shape[1]
        return Size(0, width, self.settings.memory_limit if self.space is None else self.space.memory)

    def material(self) -> Material:
        """Read what the method needs, of all samples.

        Raises
        ------
        DataError, OptionError
            A sample that may be chosen lacks it.
        """
        keys = self.dataset.samples["key"].combine_chunks()
        rows = self.eligible.rows
        rows = np.union1d(rows, self.task.given) if len(self.task.given) else rows
        scores = easy = None
        if self.score is not None:
            scores = self.score.read()
            _require_finite(scores, rows, self.dataset)
            if "easiness" in self.request.selector.needs:
                easy = easiness(self.store, self.score)
                _require_watched(easy, rows, self.request)
        return Material(
            labels=self.dataset.labels,
            keys=lambda rows: SampleKeys(keys, rows),
            space=None if self.space is None else self.space.space,
            texts=None if self.opened is None else partial(texts_of, self.opened),
            scores=scores,
            easiness=easy,
            probs=None if self.probs is None else of_originals(self.probs, self.dataset),
            target=self.target,
            elsewhere=self._elsewhere(),
        )

    def _elsewhere(self) -> ElsewhereChooser | None:
        """Return who chooses in partitions on other machines; what is to be matched is known here alone."""
        if self.space is None or self.target is not None or not self.task.partitions:
            return None
        return PartitionUnits(self.store, self.dataset, self.space, self.settings)


def resolve(
    store: Store, request: SelectRequest, settings: Settings, *, earlier: EarlierSelection | None = None
) -> SelectionInputs:
    """Find who may be chosen and from what; the caller holds the store for writing.

    Parameters
    ----------
    earlier
        What to choose within, where that is no selection of the store.

    Raises
    ------
    OptionError, DataError, StoreError
        The request and the store do not go together.
    """
    read_columns(store, request.columns, settings, in_sql=request.columns_in_sql)
    dataset, method = known_dataset(store, settings), request.selector
    score = hardest_by = None
    if request.goes_by_score:
        score = score_column(store, request.score, method.score)
    if request.drops_hardest:
        hardest_by = score_column(store, request.drop_by or request.score, method.score)
    rejects = all_rejects(store, dataset)
    say = settings.reporter
    narrowed = narrowing(store, request, settings, earlier)
    columns: dict[str, Any] = {"score": score, "hardest_by": hardest_by}
    before = None if request.keeps is None else kept_selection(store, dataset, request.keeps)
    columns["kept"] = None if before is None or request.replace else before.rows
    eligible = find_eligible(dataset, rejects, request, **columns, left_out=narrowed.left_out(), reporter=say)
    errors = _errors(store, dataset, request, eligible)
    groups = column_groups(store, dataset, request.split_by)
    task = _task(request, eligible, dataset, score, errors)
    task = replace(task, by=None if groups is None else groups.ids)
    space = _space(store, dataset, request, settings)
    return SelectionInputs(
        store=store,
        dataset=dataset,
        request=request,
        settings=settings,
        eligible=eligible,
        narrowed=narrowed,
        task=task,
        score=score,
        hardest_by=hardest_by,
        probs=store.column(PROBS) if PROBS in method.needs else None,
        space=space,
        opened=_texts(store, request, settings),
        target=_target(store, request, space, settings),  # the last: it may be a dataset to encode
        errors=errors,
        groups=groups,
        before=before,
    )


def _errors(store: Store, dataset: Dataset, request: SelectRequest, eligible: Eligible) -> ClassErrors | None:
    """Return how often each class is mistaken, if the budget is split by it."""
    if request.quota != "drop":
        return None
    if request.quota_errors is not None:
        return errors_in(Path(request.quota_errors), dataset.classes)
    return class_errors(store, dataset, np.union1d(eligible.rows, eligible.given))


def _task(
    request: SelectRequest,
    eligible: Eligible,
    dataset: Dataset,
    score: Column | None,
    errors: ClassErrors | None,
) -> ChoiceTask:
    """Return what is to be chosen, in terms of rows."""
    if score is not None and "easiness" in request.selector.needs and score.recipe["high"] == "easy":
        high = f"{request.method} prefers high scores, and those of {ColumnName(score.name).of}"
        raise OptionError(f"{high} are of easy samples", "--score dual")
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
        partitions=request.partitions,
        options=_options(request, eligible, score),
    )


def _options(request: SelectRequest, eligible: Eligible, score: Column | None) -> Mapping[str, Any]:
    """Return the options of the method: it cuts off no hardest samples where the user said how many."""
    options, known = dict(request.options), request.selector.options
    if "cutoff" in known:
        if request.drop_hardest is not None and (request.drop_hardest != "auto" or len(eligible.dropped)):
            options.setdefault("cutoff", "none")
        options["cutoff"] = published(options.get("cutoff", "auto"), eligible.usable)
    if "hard" in known and options.get("hard") is None:
        assert score is not None, "methods that ask where the hard ones lie need a score"
        options["hard"] = hard_end(score.recipe["high"])
    if "lowest" in known and options.get("lowest") is None:
        options["lowest"] = None if score is None else hardest_are_low(score)
    return options


def _space(store: Store, dataset: Dataset, request: SelectRequest, settings: Settings) -> SpaceSource | None:
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
    place: Mapping[str, Any] = {"device": request.device(settings), "memory": settings.memory_limit}
    if name == GRADIENTS:
        return SpaceSource(store, dataset, name, **place)
    units = DuplicateUnits(store, dataset, SpaceSource(store, dataset, name, **place), settings)
    keeper = NeighbourColumns(store, store.column(name), dataset.fingerprint, settings.reporter, units)
    return SpaceSource(store, dataset, name, keeper=keeper, **place)


def _target(
    store: Store, request: SelectRequest, space: SpaceSource | None, settings: Settings
) -> SelectionTarget | None:
    if request.target is None:
        return None
    from prune.steps.select.target import open_target, open_text_target

    if request.needs_texts:
        return open_text_target(
            store, request.target, settings, weights=request.target_weights, split=request.target_split
        )

    assert space is not None, "methods that take a target need a space"
    place: Mapping[str, Any] = {"device": space.device, "memory": space.memory}
    weights, split = request.target_weights, request.target_split
    return open_target(store, request.target, space.name, settings, weights=weights, split=split, **place)


def _texts(store: Store, request: SelectRequest, settings: Settings) -> Opened | None:
    """Open the dataset for a method that looks at texts."""
    if not request.needs_texts:
        return None
    opened = opened_under_lock(store, settings)
    instead = f"--method {request.selector.otherwise}   # does the like in an embedding"
    require_texts(opened, [request.method], instead)
    return opened


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
