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
from prune.core.errors import StoreError
from prune.core.progress import SILENT, Advance, Reporter
from prune.proxy.batches import in_batches
from prune.proxy.config import Training, kept_epochs
from prune.proxy.inputs import Inputs
from prune.proxy.run import Proxy, as_learnt, model_at, run_proxies
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.store import CarriedRows, Column, ColumnPart, ColumnWriter, Dataset, Store, identity

Look = Callable[[nn.Module, Rows], Scores]  # what a network, or a copy of it, says of the rows of a batch


@dataclass(frozen=True, kw_only=True)
class NetworkColumn:
    """One of them; called, it is written for a run, which is trained first where it is not finished.

    Float32 (n,), NaN for rejected samples and those that it says nothing of.
    """

    kind: str  # of the column
    what: str  # is measured of a sample
    stage: str  # what is said while that goes on
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
        proxy: Proxy | None = None,
        carried: CarriedRows | None = None,
        device: str = "cpu",
        reporter: Reporter = SILENT,
    ) -> dict[str, str]:
        """Write the column `<kind>.<run>`, or go on with it.

        Parameters
        ----------
        epoch
            One whose weights are kept; default: the column's own.
        proxy
            Which, and what it learns from and is looked at on; default: run `run`, on all.
        carried
            Rows that this column had of the dataset as it was: these are not computed again.

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
        proxy, place = proxy or Proxy(run), torch.device(device)
        columns = run_proxies(store, dataset, inputs, training, [proxy], device=device, reporter=reporter)
        trace = store.open_column(proxy.trace, columns[proxy.trace])
        writer = self.begun(store, len(dataset), proxy, self.made_of(trace, epoch, device))
        with repeatable(place):
            if missing := list(writer.missing()):
                fed = proxy.fed(Inputs(inputs, dataset, place, say=reporter.say))
                if carried is not None:
                    fed, writer.overlay = fed.without(carried.kept), carried.over
                self.fill(writer, missing, trace, fed, reporter)
        writer.finish()
        return columns | {writer.name: identity(writer.recipe)}

    def begun(self, store: Store, rows: int, proxy: Proxy, recipe: Mapping[str, Any]) -> ColumnWriter:
        """Return the column of a proxy, as far as it is there."""
        name = ColumnName.of_run(self.kind, proxy.name)
        return store.write_column(name, recipe, rows=rows, part_rows=self.part_rows)

    def fill(
        self,
        writer: ColumnWriter,
        parts: list[ColumnPart],
        trace: Column,
        fed: Inputs,
        reporter: Reporter = SILENT,
    ) -> None:
        """Write parts of the column: what the network of a trace says of what its proxy is fed."""
        fed = as_learnt(fed, trace)
        training = Training(**trace.recipe["training"])
        self.write(writer, parts, model_at(trace, fed, training, writer.recipe["epoch"]), fed, reporter)

    def made_of(self, trace: Column, epoch: int, device: str) -> dict[str, Any]:
        """Return the recipe of the column of a proxy, by its trace."""
        return self.recipe(identity(trace.recipe), epoch) | {**self.more, **way(device)}

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


def require_kept(epoch: int, training: Training) -> None:
    """Raise StoreError where the weights after `epoch` are not kept."""
    kept = kept_epochs(training.last)
    if epoch not in kept:
        known = " and ".join(map(str, kept))
        raise StoreError(
            f"the weights after epoch {epoch} are not kept, only those after {known}",
            f"use epoch {kept[0]}, or train with --epochs {epoch}",
        )
