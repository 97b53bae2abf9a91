"""GraNd as a column: the gradient norm of every sample, at the weights a run had early on."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from prune.arrays import Rows, Scores
from prune.epochs import early_epoch
from prune.progress import SILENT, Advance, Reporter
from prune.proxy.config import Training
from prune.proxy.device import repeatable
from prune.proxy.evaluate import batch_of
from prune.proxy.gradients import gradient_norms, is_covered
from prune.proxy.inputs import Inputs
from prune.proxy.run import model_at, require_kept, run_proxy
from prune.store import Column, ColumnWriter, Dataset, Part, Store, identity

VERSION = 1  # raised when the same weights would give other norms
_PART_ROWS = 8192  # some seconds of work on two cores
_BATCH = 32  # samples in one backward pass: larger ones leave the cache of a CPU


def grad_norms(  # noqa: PLR0913 - run_proxy's parameters, and the epoch
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    run: int = 0,
    *,
    epoch: int | None = None,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> dict[str, str]:
    """‖∇_θ CE‖₂ over all parameters at the weights after `epoch`, as the column `grad_norm.<run>`.

    Trains first, where the run is not finished. Evaluation mode, no augmentation, the dataset's labels;
    float32 (n,), NaN for samples that are rejected or have no label.

    Parameters
    ----------
    epoch
        One whose weights are kept: min(t, 20) (the default) or t.

    Returns
    -------
    dict
        Column name to the identity of its recipe, of this column and of those of the run.

    Raises
    ------
    StoreError
        The weights after `epoch` are not kept.
    """
    epoch = early_epoch(training.epochs) if epoch is None else epoch
    require_kept(epoch, training)
    columns = run_proxy(store, dataset, inputs, training, run, device=device, reporter=reporter)
    recipe = {"column": "grad_norm", "version": VERSION, "trace": columns[f"trace.{run}"], "epoch": epoch}
    writer = store.write_column(f"grad_norm.{run}", recipe, rows=len(dataset), part_rows=_PART_ROWS)
    missing = list(writer.missing())
    if missing:
        place = torch.device(device)
        with repeatable(place):
            fed = Inputs(inputs, dataset, place)
            trace = store.open_column(f"trace.{run}", columns[f"trace.{run}"])
            _write(writer, missing, model_at(trace, fed, training, epoch), fed, reporter)
    writer.finish()
    return columns | {writer.name: identity(recipe)}


def _write(
    writer: ColumnWriter, missing: list[Part], model: nn.Module, inputs: Inputs, reporter: Reporter
) -> None:
    exact = not _fast(model, inputs)
    if exact:
        reporter.say("this proxy needs a backward pass for every single sample, which is slow")
    total = sum(len(_labelled(inputs, part)) for part in missing)
    with reporter.stage("gradient norms", total) as advance:
        for part in missing:
            writer.put(part, _norms(model, inputs, part, advance, exact=exact))


def _fast(model: nn.Module, inputs: Inputs) -> bool:
    probe = inputs.labelled[:3]
    return is_covered(model, inputs.normalise(inputs.take(probe)), inputs.labels[probe].to(inputs.device))


def _norms(model: nn.Module, inputs: Inputs, part: Part, advance: Advance, *, exact: bool) -> Scores:
    norms = np.full(part.stop - part.start, np.nan, np.float32)
    rows = _labelled(inputs, part)
    step = min(_BATCH, batch_of(inputs))
    for start in range(0, len(rows), step):
        here = rows[start : start + step]
        samples = inputs.normalise(inputs.take(here))
        labels = inputs.labels[here].to(inputs.device)
        norms[here - part.start] = gradient_norms(model, samples, labels, exact=exact).cpu().numpy()
        advance(len(here))
    return norms


def _labelled(inputs: Inputs, part: Part) -> Rows:
    return inputs.labelled[(inputs.labelled >= part.start) & (inputs.labelled < part.stop)]
