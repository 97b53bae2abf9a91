"""The choice of a SPEC: made once, of the columns and the data that it goes by, and kept as a column.

It is no selection of the store: it is a column `choice.…`, so that neither the list of selections grows nor
the latest of them changes.
"""

from __future__ import annotations

import json
import math
import shlex
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows, Weights
from prune.core.column_name import CHOICE, ColumnName
from prune.core.errors import OptionError
from prune.core.quota import keep_count
from prune.steps.evaluate.earlier_choices import columns_behind, quotas_behind, telling_quota
from prune.steps.evaluate.spec import Spec
from prune.steps.evaluate.training_sets import TrainingSet
from prune.steps.select.by_class import choose
from prune.steps.select.elsewhere import data_elsewhere
from prune.steps.select.inputs import resolve
from prune.steps.select.narrowing import stage_before
from prune.steps.select.request import SelectRequest
from prune.steps.select.run import selection_recipe
from prune.steps.settings import Settings
from prune.steps.space_columns import SeveralEmbeddingsError, embedding_name
from prune.store import Store, identity
from prune.store.layout import COLUMN, COLUMNS

_VERSION = 2  # raised when the same selection would be kept in another way


def chosen_set(store: Store, spec: Spec, fraction: str | None, settings: Settings) -> TrainingSet:
    """Return what a SPEC keeps, chosen now or before.

    Raises
    ------
    OptionError, DataError, StoreError
        As of `select`.
    """
    column, recipe = _column(store, spec, fraction, settings)
    writer = store.write_column(column, recipe, rows=len(store.dataset))
    if not writer.finished:
        began = time.perf_counter()
        weights, about = _choose(store, spec, fraction, settings)
        for part in writer.missing():
            writer.put(part, weights[part.start : part.stop])
        writer.attach("about", 0, json.dumps(about, sort_keys=True).encode(), "json")
        writer.finish()
        store.add_cost(identity(recipe), time.perf_counter() - began)
    store.publish(columns={column: identity(recipe)})
    made = store.open_column(column, identity(recipe))
    kept: Array = made.read()
    rows = np.flatnonzero(kept >= 0)
    weights = kept[rows]
    about = json.loads(made.attachment("about", 0))
    plain = bool((weights == 1).all())
    return TrainingSet(
        spec.text, fraction, rows, None if plain else weights, {**about, "choice": identity(recipe)}
    )


def is_chosen(store: Store, spec: Spec, fraction: str | None, settings: Settings) -> bool:
    """Whether a SPEC was chosen before, of the same columns and the same data elsewhere."""
    column, recipe = _column(store, spec, fraction, settings)
    return (store.path / COLUMNS / column / identity(recipe) / COLUMN).exists()


def _column(
    store: Store, spec: Spec, fraction: str | None, settings: Settings
) -> tuple[ColumnName, dict[str, Any]]:
    asked = {"spec": spec.text, "fraction": fraction, "seed": settings.seed}
    requests = _requests(spec, fraction, settings.seed)
    _require_spaces(store, spec, requests)
    recipe = {
        "column": CHOICE,
        "version": _VERSION,
        **asked,
        "stages": [
            selection_recipe(store, request, settings, data_elsewhere(store, request, settings.stages_only))
            for request in requests
        ],
    }
    return ColumnName(f"{CHOICE}.{identity(asked)}"), recipe


def _requests(spec: Spec, fraction: str | None, seed: int) -> list[SelectRequest]:
    own = [stage.request(seed) for stage in spec.stages[:-1]]
    last = spec.stages[-1]
    if fraction is None and not last.is_sized:
        raise OptionError(f"{spec.text} wants to know how much to keep", "--fraction 0.3   # or several")
    return [*own, last.request(seed) if fraction is None else last.request(seed, fraction=fraction)]


def _require_spaces(store: Store, spec: Spec, requests: Sequence[SelectRequest]) -> None:
    """Refuse a SPEC that does not say in which of several embeddings it computes.

    It says so itself: `--on` of an evaluation is what is trained, and need not be what chooses.

    Raises
    ------
    SeveralEmbeddingsError
        A stage needs one, and names none.
    """
    texts = []
    for stage, request in zip(spec.stages, requests, strict=True):
        named = request.on or request.selector.on or not request.needs_space
        texts.append(stage.text if named else f"{stage.text},on={{}}")
    open_text = ">".join(texts)
    try:
        if open_text != spec.text:
            embedding_name(store, None)
    except SeveralEmbeddingsError as error:
        words = shlex.quote(open_text.format(*[error.first] * len(texts)))
        error.hint = f"--select {words}   # or another of them"
        raise


def _choose(
    store: Store, spec: Spec, fraction: str | None, settings: Settings
) -> tuple[Weights, dict[str, Any]]:
    """Return the weight of every sample, −1 where it is not kept, and how that came about.

    Each stage is what `select --within` does with what the one before kept; columns that decided any of them
    count.
    """
    requests, quiet = _requests(spec, fraction, settings.seed), settings.stages_only
    within = requests[0].within
    decisive, quotas = columns_behind(store, within), quotas_behind(store, within)
    kept: Rows | None = None
    usable, n = 0, len(store.dataset)
    for place, request in enumerate(requests):
        earlier = None
        if kept is not None:
            _require_enough(request, usable, len(kept), spec)
            name = ">".join(stage.text for stage in spec.stages[:place])
            earlier = stage_before(name, kept, n)
        inputs = resolve(store, request, quiet, earlier=earlier)
        chosen = choose(inputs.task, inputs.material())
        kept, usable = np.sort(chosen.rows), inputs.eligible.usable
        decisive |= inputs.decisive
        quotas.append(inputs.task.quota)
    weights = np.full(n, -1, np.float32)
    weights[chosen.rows] = chosen.weights
    return weights, {"from": decisive, "k": len(chosen), "quota": telling_quota(quotas), "within": within}


def _require_enough(request: SelectRequest, usable: int, left: int, spec: Spec) -> None:
    """Refuse a stage that is to keep more than the one before has left.

    Raises
    ------
    OptionError
        There are not so many.
    """
    if request.fraction is None:
        return
    k = keep_count(request.fraction, usable)
    if k > left:
        raise OptionError(
            f"{spec.text} is to choose {k} samples of {left} that are left",
            f"--fraction {math.floor(100 * left / usable) / 100:g}, or keep more before",
        )
