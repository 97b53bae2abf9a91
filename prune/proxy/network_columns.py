"""Columns that need a network itself, beyond its trace: one number a sample, at weights that a run keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from prune.core.arrays import Rows, Scores
from prune.core.column_name import ColumnName
from prune.core.progress import SILENT, Advance, Reporter
from prune.proxy.batches import in_batches
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.run import Proxy, model_at, require_kept, run_proxies
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.proxy.training_subsets import Share
from prune.store import Column, ColumnPart, ColumnWriter, Dataset, Store, identity

Look = Callable[[nn.Module, Rows], Scores]  # what a network, or a copy of it, says of the rows of a batch


@dataclass(frozen=True, kw_only=True)
class NetworkColumn:
    """One of them; called, it is written for a run, which is trained first where it is not finished.

    Float32 (n,), NaN for rejected samples and those that it says nothing of.
    """

    kind: str  # of the column
    what: str  # is measured of a sample
    version: int  # raised when the same weights would give other numbers
    part_rows: int  # some seconds of work on two cores
    write: Callable[[ColumnWriter, list[ColumnPart], nn.Module, Inputs, Reporter], None]  # for any network
    epoch: Callable[[Training], int]  # after which the weights are taken
    more: Mapping[str, Any] = field(default_factory=dict)  # that the recipe says

    def __call__(  # noqa: PLR0913 - run_proxy's parameters, and the epoch
        self,
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
        """Write the column `<kind>.<run>`, or go on with it.

        Parameters
        ----------
        epoch
            One whose weights are kept; default: the column's own.
        share
            The samples that the proxy learns from, and those that are measured; default: all.

        Returns
        -------
        dict
            Column name to the identity of its recipe, of this column and of those of the run.

        Raises
        ------
        StoreError
            The weights after `epoch` are not kept.
        """
        epoch = self.epoch(training) if epoch is None else epoch
        require_kept(epoch, training)
        proxy, place = Proxy(run, share), torch.device(device)
        columns = run_proxies(store, dataset, inputs, training, [proxy], device=device, reporter=reporter)
        trace = columns[proxy.trace]
        recipe = self.recipe(trace, epoch) | {**self.more, **way(device)}
        name = ColumnName.of_run(self.kind, proxy.name)
        writer = store.write_column(name, recipe, rows=len(dataset), part_rows=self.part_rows)
        with repeatable(place):
            if missing := list(writer.missing()):
                fed = proxy.fed(Inputs(inputs, dataset, place, say=reporter.say))
                model = model_at(store.open_column(proxy.trace, trace), fed, training, epoch)
                self.write(writer, missing, model, fed, reporter)
        writer.finish()
        return columns | {writer.name: identity(recipe)}

    def recipe(self, trace: str, epoch: int) -> dict[str, Any]:
        """Return what every recipe of it says."""
        return {"column": self.kind, "version": self.version, "trace": trace, "epoch": epoch}


def write_values(
    writer: ColumnWriter,
    missing: Sequence[ColumnPart],
    rows: Rows,
    values_of: Callable[[Rows, Advance], Scores],
    stage: tuple[str, Reporter],
) -> None:
    """Write parts of a column: the values of `rows`, and NaN for all others."""
    parts = [rows[(rows >= part.start) & (rows < part.stop)] for part in missing]
    told, reporter = stage
    with reporter.stage(told, sum(map(len, parts))) as advance:
        for part, here in zip(missing, parts, strict=True):
            values = np.full(part.stop - part.start, np.nan, np.float32)
            values[here - part.start] = values_of(here, advance)
            writer.put(part, values)


def values_in_batches(
    model: nn.Module, inputs: Inputs, rows: Rows, size: int, look: Look, advance: Advance
) -> Scores:
    """Return what `look` finds for samples, in the order of `rows`; memory does not grow with them."""
    values, done = np.empty(len(rows), np.float32), 0
    for here, found in in_batches(model, inputs, rows, size, look):
        values[done : done + len(here)] = found
        done += len(here)
        advance(len(here))
    return values
