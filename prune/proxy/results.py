"""What a trained proxy leaves of every sample: its features and its probabilities."""

from __future__ import annotations

import numpy as np
from torch import nn

from prune.core.arrays import Array
from prune.core.progress import Advance, Reporter
from prune.proxy.evaluate import outputs
from prune.proxy.inputs import Inputs
from prune.proxy.models import head_of
from prune.store import ColumnPart, ColumnWriter

_LARGEST = 65_504.0  # of float16


def write_results(writers: list[ColumnWriter], inputs: Inputs, model: nn.Module, reporter: Reporter) -> None:
    """Write the features and the probabilities of every sample, for the parts that the columns lack."""
    missing = [{part.number: part for part in writer.missing()} for writer in writers]
    with reporter.stage("taking features", len(inputs.rows)) as advance:
        for number in sorted(set().union(*missing)):
            part = next(m[number] for m in missing if number in m)
            values = _predict(model, inputs, part, advance)
            for writer, parts, found in zip(writers, missing, values, strict=True):
                if number in parts:
                    writer.put(part, found)
    for writer in writers:
        writer.finish()


def _predict(model: nn.Module, inputs: Inputs, part: ColumnPart, advance: Advance) -> tuple[Array, Array]:
    """Return the features and probabilities of a part: float16 (b, d) and (b, c)."""
    rows = inputs.rows[(inputs.rows >= part.start) & (inputs.rows < part.stop)]
    head, count = head_of(model), part.stop - part.start
    features = np.full((count, head.in_features), np.nan, np.float16)
    probs = np.full((count, head.out_features), np.nan, np.float16)
    for here, logits, h in outputs(model, inputs, rows):
        features[here - part.start] = h.float().clamp(-_LARGEST, _LARGEST).cpu().numpy()
        probs[here - part.start] = logits.float().softmax(1).cpu().numpy()
        advance(len(here))
    return features, probs
