"""What a selection cost before anything is trained on it: the scores it was chosen by, and the choosing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prune.core.column_name import (
    DEEPFOOL,
    EMBEDDING,
    FEATURES,
    FIRST_RUN,
    GRAD_NORM,
    TRACE,
    ColumnName,
    of_kinds,
)
from prune.core.errors import StoreError
from prune.steps.evaluate.earlier_choices import choices_behind
from prune.store import Store
from prune.store.column_json import known_recipe
from prune.store.layout import COLUMNS

_COSTLY = (TRACE, GRAD_NORM, DEEPFOOL)  # kinds whose seconds are kept, column by column


def selecting_seconds(store: Store, about: Mapping[str, Any]) -> float | None:
    """Return the seconds that choosing took, with what it was chosen within; None where that is not known."""
    own, within = None, about.get("selection")
    if "choice" in about:
        own, within = store.costs.get(about["choice"]), about.get("within")
        if own is None:
            return None
    try:
        behind = [chosen.about["seconds"]["select"]["total"] for chosen in choices_behind(store, within)]
        return sum(map(float, behind), own or 0.0)
    except (StoreError, KeyError, ValueError, TypeError):
        return None


def scoring_seconds(store: Store, chosen_by: Mapping[str, str]) -> float | None:
    """Return the seconds behind the columns that decided: proxies, gradients, an encoder's pass.

    Parameters
    ----------
    chosen_by
        Column to identity.

    Returns
    -------
    float
        None where an earlier version, or somebody else, made one of them.
    """
    from prune.proxy import training_cost  # loads torch

    total, costs = 0.0, store.costs
    for name, of in dict(made_from(store, chosen_by)).items():
        column, recipe = ColumnName(name), _recipe(store, name, of) or {}
        if "folds" in recipe:
            continue  # put together from those of its folds, which are behind it
        if column.kind == TRACE and "training" in recipe:
            seconds = training_cost(store, [(name, of)])
        elif column.kind in _COSTLY:
            seconds = costs.get(of)
        elif column.kind == EMBEDDING and column != FEATURES:
            seconds = _encoding_seconds(store, column, of)
        else:
            continue  # arithmetic on the others
        if seconds is None:
            return None
        total += seconds
    return total


def _encoding_seconds(store: Store, column: ColumnName, of: str) -> float | None:
    """Return what the pass of an encoder took; None of features that were computed elsewhere.

    Earlier versions kept the time of the last pass alone, which is that of the only encoder there is.
    """
    encoders = [name for name in of_kinds(store.columns, EMBEDDING) if name != FEATURES]
    if (recipe := _recipe(store, column, of)) is None or recipe.get("encoder") == "precomputed":
        return None
    last = store.timings.get("embed", {}).get("total") if encoders == [column] else None
    return store.costs.get(of, last)


def made_from(store: Store, columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield these columns and all that they were made from."""
    for name, of in columns.items():
        yield name, of
        recipe = _recipe(store, name, of) or {}
        sources = recipe.get("from")
        if isinstance(sources, dict):
            yield from made_from(store, sources)
        yield from made_from(store, _folds_behind(store, ColumnName(name), recipe))
        if isinstance(recipe.get("trace"), str):
            run = ColumnName(name).rest if ColumnName(name).kind in _COSTLY else ""
            yield from made_from(store, {recipe.get("of") or _trace(run): recipe["trace"]})


def _folds_behind(store: Store, column: ColumnName, recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return what each fold has of a run, or the traces of the folds that predictions come from."""
    folds = {
        ColumnName.of_run(column.kind, f"{column.rest}.{n}"): of
        for n, of in enumerate(recipe.get("folds", ()))
    }
    traces = set(recipe.get("traces", ()))
    return folds | {name: of for name, of in store.state["columns"].items() if of in traces}


def _trace(run: str) -> str:
    return ColumnName.trace(run) if run else FIRST_RUN


def _recipe(store: Store, name: str, of: str) -> dict[str, Any] | None:
    return known_recipe(store.path / COLUMNS / name / of)
