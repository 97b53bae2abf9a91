"""All evaluations of a store, setting by setting, for whoever only wants to look."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.steps.evaluate.results import evaluations
from prune.steps.evaluate.test_advice import evaluate_words
from prune.store import Store


def shown(store: Store | str | Path) -> dict[str, Any]:
    """Return what was evaluated so far; nothing is trained.

    Returns
    -------
    dict
        settings: of each model, protocol, test (its fingerprint, and how many samples), results and cells.

    Raises
    ------
    OptionError
        Nothing was.
    """
    held = store if isinstance(store, Store) else Store(store)
    table = evaluations(held)
    if not len(table):
        raise OptionError(
            f"nothing was evaluated in {held.path} yet",
            evaluate_words(held, "--select random --fraction 0.3"),
        )
    settings = []
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
                "results": [asdict(one) for one in table.summaries if one.setting == setting],
                "cells": [asdict(row) for row in rows],
            }
        )
    return {"store": str(held.path), "settings": settings}
