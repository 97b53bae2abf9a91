"""GraNd as a column: the gradient norm of every sample, at the weights a run had early on."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from prune.core.arrays import Rows, Scores
from prune.core.column_name import GRAD_NORM, ColumnName
from prune.core.epochs import early_epoch
from prune.core.progress import SILENT, Advance, Reporter
from prune.proxy.batches import batch_of, in_batches
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.run import Proxy, model_at, require_kept, run_proxies
from prune.proxy.sample_grad_norms import gradient_norms, obstacle
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.proxy.training_subsets import Share
from prune.store import Column, ColumnPart, ColumnWriter, Dataset, Store, identity

VERSION = 2  # raised when the same weights would give other norms
_PART_ROWS = 8192  # some seconds of work on two cores


def grad_norms(  # noqa: PLR0913 - run_proxy's parameters, and the epoch
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    run: int = 0,
    *,
    epoch: int | None = None,
    share: Share | None = None,
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
    share
        The samples that the proxy learns from, and those that get a norm; default: all.

    Returns
    -------
    dict
        Column name to the identity of its recipe, of this column and of those of the run.

    Raises
    ------
    StoreError
        The weights after `epoch` are not kept.
    """
    epoch = early_epoch(training.last) if epoch is None else epoch
    require_kept(epoch, training)
    proxy = Proxy(run, share)
    columns = run_proxies(store, dataset, inputs, training, [proxy], device=device, reporter=reporter)
    recipe = {
        "column": GRAD_NORM,
        "version": VERSION,
        "trace": columns[proxy.trace],
        "epoch": epoch,
        **way(device),
    }
    writer = store.write_column(
        ColumnName.of_run(GRAD_NORM, proxy.name), recipe, rows=len(dataset), part_rows=_PART_ROWS
    )
    missing = list(writer.missing())
    if missing:
        place = torch.device(device)
        with repeatable(place):
            fed = proxy.fed(Inputs(inputs, dataset, place, say=reporter.say))
            trace = store.open_column(proxy.trace, columns[proxy.trace])
            write_norms(writer, missing, model_at(trace, fed, training, epoch), fed, reporter)
    writer.finish()
    return columns | {writer.name: identity(recipe)}


def write_norms(
    writer: ColumnWriter, missing: list[ColumnPart], model: nn.Module, inputs: Inputs, reporter: Reporter
) -> None:
    """Write the norms of parts of a column, for any network.

    Raises
    ------
    OptionError
        No sample has a gradient of its own in this network; the layer is named.
    """
    rows = [_with_label(inputs, part) for part in missing]
    odd = obstacle(model, inputs.normalise(inputs.take(inputs.rows[:3])))
    if odd:
        reporter.say(f"{odd}: grad_norm takes a backward pass for every single sample, which is slow")
    with reporter.stage("gradient norms", sum(map(len, rows))) as advance:
        for part, here in zip(missing, rows, strict=True):
            values = np.full(part.stop - part.start, np.nan, np.float32)
            values[here - part.start] = norms_of(model, inputs, here, advance, exact=bool(odd))
            writer.put(part, values)


def norms_of(
    model: nn.Module, inputs: Inputs, rows: Rows, advance: Advance, *, exact: bool = False
) -> Scores:
    """‖∇_θ CE‖₂ of the samples at `rows`, which have labels, in batches; memory does not grow with them.

    Parameters
    ----------
    exact
        One backward pass a sample: for networks in which `obstacle` finds something.

    Returns
    -------
    (b,)
        float32, in the order of `rows`.
    """

    def look(network: nn.Module, here: Rows) -> Scores:
        samples = inputs.normalise(inputs.take(here))
        labels = inputs.labels[here].to(inputs.device)
        found: Scores = gradient_norms(network, samples, labels, exact=exact).cpu().numpy()
        return found

    norms, done = np.empty(len(rows), np.float32), 0
    for here, found in in_batches(model, inputs, rows, gradient_batch(inputs), look):
        norms[done : done + len(here)] = found
        done += len(here)
        advance(len(here))
    return norms


def gradient_batch(inputs: Inputs) -> int:
    """Return how many samples share a backward pass: a quarter of those that share a forward pass."""
    return max(1, batch_of(inputs) // 4)


def _with_label(inputs: Inputs, part: ColumnPart) -> Rows:
    rows = inputs.rows[(inputs.rows >= part.start) & (inputs.rows < part.stop)]
    return rows[inputs.labels[rows].numpy() >= 0]
