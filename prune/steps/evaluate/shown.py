"""All evaluations of a store, setting by setting, for whoever only wants to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.steps.evaluate.plot import table_writers
from prune.steps.evaluate.results import evaluations
from prune.steps.evaluate.test_advice import evaluate_words
from prune.store import Store


def shown(
    store: Store | str | Path, *, out: str | Path | None = None, plot: str | Path | None = None
) -> dict[str, Any]:
    """Return what was evaluated so far; nothing is trained.

    Parameters
    ----------
    out, plot
        As of `prune.evaluate`: a file with a row for every training, and a picture, of all settings.

    Returns
    -------
    dict
        settings: of each model, protocol, test (its fingerprint, and how many samples), results, cells, and
        apart: what tells it from others of the same model and protocol, such as `seed 1`.

    Raises
    ------
    OptionError
        Nothing was; or a file's name has an ending that is not known.
    """
    held = store if isinstance(store, Store) else Store(store)
    writers = table_writers(out, plot)
    table = evaluations(held)
    if not len(table):
        raise OptionError(
            f"nothing was evaluated in {held.path} yet",
            evaluate_words(held, "--select random --fraction 0.3"),
        )
    for write in writers:
        write(table)
    settings: list[dict[str, Any]] = []
    for setting in dict.fromkeys(summary.setting for summary in table.summaries):
        rows = [row for row in table.rows if row.setting == setting]
        first = rows[0]
        settings.append(
            {
                "setting": setting,
                "model": first.model,
                "protocol": first.protocol,
                "label_noise": first.label_noise,
                "test": {"data": first.test, "tested": first.tested},
                "apart": [],
                "results": [asdict(one) for one in table.summaries if one.setting == setting],
                "cells": [asdict(row) for row in rows],
            }
        )
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in settings:
        heading = (one["model"], one["protocol"], one["label_noise"], one["test"]["tested"])
        alike.setdefault(heading, []).append(one)
    for group in alike.values():
        recipes = [_flat(held.column(one["cells"][0]["cell"]).recipe) for one in group]
        for one, words in zip(group, _apart(recipes), strict=True):
            one["apart"] = words
    return {"store": str(held.path), "settings": settings}


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an evaluation is set to, by the names of single values."""
    flat: dict[str, Any] = {"test set": str(recipe["test"]["data"])[:8]}
    for name, values in {"": recipe["training"], "test ": {"split": recipe["test"]["split"]}}.items():
        flat |= {f"{name}{key.replace('_', ' ')}": value for key, value in values.items()}
    noise = recipe.get("noise") or {}
    return flat | {
        "noise seed": noise.get("seed"),
        "batch": recipe["protocol"]["batch"],
        "inputs": recipe["inputs"]["name"],
        "device": recipe["device"],
        "precision": recipe["precision"],
        "data": str(recipe["data"])[:8],
    }


def _apart(recipes: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return of each the values that are not the same for all: nothing of one alone."""
    names = list(dict.fromkeys(name for recipe in recipes for name in recipe))
    differ = [name for name in names if any(one.get(name) != recipes[0].get(name) for one in recipes)]
    return [[f"{name} {_word(one.get(name))}" for name in differ] for one in recipes]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
