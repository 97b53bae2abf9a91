"""Scores of texts themselves: streamed, a part of the column at a time, so that it can be gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.method_rows import Scorer
from prune.core.progress import SILENT
from prune.steps.dataset_session import Opened
from prune.steps.text_payloads import texts_of
from prune.store import ColumnWriter


def text_scores(
    opened: Opened, method: Scorer, options: Mapping[str, Any], usable: Rows, writer: ColumnWriter
) -> Array:
    """Return the score of every sample, (n,); NaN where it cannot be used.

    Parts that `writer` has are not read again, nor texts of a dataset that grew; memory is one part and a
    block of texts.
    """
    missing = list(writer.missing())
    carried = opened.growth.made_alike(writer.name, writer.recipe) if missing else None
    if carried is not None:
        writer.overlay, usable = carried.over, np.setdiff1d(usable, carried.kept)
    spans = [usable[slice(*np.searchsorted(usable, (part.start, part.stop)))] for part in missing]
    with opened.settings.reporter.stage(f"score {method.name}", sum(map(len, spans))) as advance:
        for part, rows in zip(missing, spans, strict=True):
            values = np.full(part.stop - part.start, np.nan, np.float32)
            for places, texts in replace(texts_of(opened, rows), reporter=SILENT).blocks():
                values[rows[places] - part.start] = method.function(texts, **options)
                advance(len(places))
            writer.put(part, values)
    return np.array(writer.finish().read())
