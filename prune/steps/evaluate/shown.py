"""All evaluations of a store, setting by setting, for whoever only wants to look."""

from __future__ import annotations

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
        settings: of each model, protocol, test (its fingerprint, and how many samples), results, cells,
        apart: what tells it from others of the same model and protocol, such as `seed 1`; in_words: all of
        that; and bias: what it is too kind to, nothing of a network that looks at the samples.

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
        first, heading = rows[0], table.headings[setting]
        settings.append(
            {
                "setting": setting,
                "model": heading.model,
                "protocol": heading.protocol,
                "label_noise": heading.label_noise,
                "test": {"data": first.test, "tested": first.tested},
                "apart": list(heading.apart),
                "in_words": str(heading),
                "bias": heading.bias,
                "results": [asdict(one) for one in table.summaries if one.setting == setting],
                "cells": [asdict(row) for row in rows],
            }
        )
    return {"store": str(held.path), "settings": settings}
