"""Samples that cannot be used: collected, listed in the store, and how many of them stop a command."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from prune.core.column_name import EMBEDDING, IMAGES, SCORE, TRACE, ColumnName
from prune.core.errors import RejectsError
from prune.modalities.text.fields import NO_TEXT
from prune.readers.tar.samples import choice_of
from prune.steps.dataset_session import Opened
from prune.store import Dataset, Store
from prune.store.layout import REJECTS
from prune.store.rejects import list_rejects


def all_rejects(store: Store, dataset: Dataset) -> dict[int, str]:
    """Rows that cannot be used, with reasons: from the scan, passes over the images, a trace of one's own."""
    rejects = dataset.rejects
    for name in map(ColumnName, store.columns):
        if name.kind in {IMAGES, EMBEDDING, TRACE}:
            rejects = store.column(name).rejects | rejects
        elif name.kind == SCORE and store.column(name).recipe.get("unlabelled") == "skip":
            rejects = dict.fromkeys(np.flatnonzero(dataset.labels < 0).tolist(), "no label") | rejects
    return rejects


def check_rejects(opened_: Opened, rejects: Mapping[int, str], what: str = "samples") -> None:
    """Stop when samples were rejected and the user did not say to go on without them.

    Raises
    ------
    RejectsError
        Some samples were rejected and `on_error` is `fail`, more than `max_bad` of them, or all.
    """
    settings, n = opened_.settings, len(opened_.dataset) - len(opened_.dataset.held_out)
    keys = opened_.dataset.samples["key"]
    listed = [(keys[row].as_py(), rejects[row]) for row in sorted(rejects)]
    if rejects or opened_.dataset.skipped:
        list_rejects(opened_.store.path, listed, opened_.dataset.skipped)
    if not rejects:
        return
    limit = Fraction(str(settings.max_bad)) * n  # as it was typed: 0.29 of 100 is 29
    share = f"{len(rejects)} of {n} {what} ({100 * len(rejects) / n:.2g} %)"
    if len(rejects) == n:
        hint = (
            choice_of(rejects.values()) or _field_of(opened_, rejects.values()) or "look at the reasons above"
        )
        raise RejectsError(f"none of {n} {what} can be used", listed, hint)
    if settings.on_error == "fail":
        more = "" if len(rejects) <= limit else f" --max-bad {_round_up(len(rejects) / n)}"
        skip = f"add --on-error skip{more} to go on without them; what was read is kept"
        hint = choice_of(rejects.values()) or skip
        raise RejectsError(f"{share} cannot be used", listed, hint)
    if len(rejects) > limit:
        told = f"{share} cannot be used, the limit is {100 * settings.max_bad:g} %"
        raise RejectsError(
            told, listed, f"add --max-bad {_round_up(len(rejects) / n)} if that is as it should be"
        )
    settings.reporter.say(
        f"{share} cannot be used and are left out; listed in {opened_.store.path / REJECTS}"
    )


def _field_of(opened_: Opened, reasons: Iterable[str]) -> str | None:
    """Return the option that names the text, where no sample has one in the fields that were looked at."""
    if not all(reason.startswith(NO_TEXT) for reason in reasons):
        return None
    asked = "--template '{NAME}'" if opened_.reader.options.get("template") else "--text-field NAME"
    return f"{asked}   # a field that holds the text"


def _round_up(share: float) -> str:
    """Return a limit with some room above a share, in two digits that one would type: 0.013, 0.79, 1."""
    room = min(1.0, share * 1.05)
    step = 10.0 ** (math.floor(math.log10(room)) - 1)
    return f"{min(1.0, math.ceil(room / step) * step):.2g}"
