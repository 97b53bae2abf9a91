"""Held-out predictions: of every sample, by the proxies of a cross-fit that did not train on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from prune.core.arrays import Array
from prune.core.column_name import HELD_OUT
from prune.core.progress import SILENT, Advance, Reporter
from prune.proxy.config import Training
from prune.proxy.evaluate import outputs
from prune.proxy.inputs import Inputs
from prune.proxy.run import Proxy, as_learnt, model_at
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.store import Column, ColumnPart, Dataset, Store, identity

VERSION = 1  # raised when the same folds would give other probabilities


def held_out_probs(  # noqa: PLR0913 - run_proxies' parameters, and what it returned
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    proxies: Sequence[Proxy],
    columns: Mapping[str, str],
    *,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> dict[str, str]:
    """Write `probs.heldout`, float16 (n, max(c, 2)): softmax after the last epoch, mean over runs.

    One forward pass a sample and run through weights that are kept anyway: cheap beside the training. Part by
    part, so that memory does not grow with the dataset. NaN for samples that no fold holds.

    Parameters
    ----------
    proxies
        The folds of every run, all trained.
    columns
        Finished columns, name to identity: the traces of the folds among them.

    Returns
    -------
    dict
        Column name to identity.
    """
    traces = [columns[proxy.trace] for proxy in proxies]
    recipe = {
        "column": HELD_OUT,
        "version": VERSION,
        "traces": traces,
        "epoch": training.last,
        **way(device),
    }
    writer = store.write_column(HELD_OUT, recipe, rows=len(dataset))
    missing = list(writer.missing())
    if missing:
        place = torch.device(device)
        with repeatable(place), reporter.stage("held-out predictions", _passes(proxies)) as advance:
            whole = Inputs(inputs, dataset, place, say=reporter.say)
            opened = [store.open_column(p.trace, of) for p, of in zip(proxies, traces, strict=True)]
            for part in missing:
                writer.put(part, _predict(part, whole, training, proxies, opened, advance))
    writer.finish()
    return {HELD_OUT: identity(recipe)}


def _passes(proxies: Sequence[Proxy]) -> int:
    return sum(len(proxy.share.watched) for proxy in proxies if proxy.share is not None)


def _predict(
    part: ColumnPart,
    whole: Inputs,
    training: Training,
    proxies: Sequence[Proxy],
    traces: Sequence[Column],
    advance: Advance,
) -> Array:
    """Return the probabilities of a part, float16 (b, c)."""
    total = np.zeros((part.stop - part.start, max(whole.classes, 2)), np.float32)
    count = np.zeros(len(total), np.int64)
    for proxy, trace in zip(proxies, traces, strict=True):
        fed = as_learnt(proxy.fed(whole), trace)
        rows = fed.rows[(fed.rows >= part.start) & (fed.rows < part.stop)]
        if not len(rows):
            continue
        for here, logits, _ in outputs(model_at(trace, fed, training, training.last), fed, rows):
            total[here - part.start] += logits.float().softmax(1).cpu().numpy()
            count[here - part.start] += 1
            advance(len(here))
    found: Array = np.full(total.shape, np.nan, np.float16)
    seen = count > 0
    found[seen] = total[seen] / count[seen, None]
    return found
