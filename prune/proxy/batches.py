"""Samples go through a network batch by batch: on a CPU several side by side, one core each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from torch import nn

from prune.core.arrays import Rows
from prune.core.column_name import NGRAMS, TOKENS, ColumnName
from prune.proxy.inputs import Inputs
from prune.proxy.network_copies import Copies
from prune.system.executors.single_core import SingleCorePool

Found = TypeVar("Found")

_OF_KIND = {NGRAMS: 1 << 18, TOKENS: 1 << 13}  # ids of a batch of texts: looked up, or through a transformer


def in_batches(
    model: nn.Module, inputs: Inputs, rows: Rows, size: int, work: Callable[[nn.Module, Rows], Found]
) -> Iterator[tuple[Rows, Found]]:
    """Yield what `work` finds for every batch, in the order of the rows; memory is that of a batch a thread.

    Parameters
    ----------
    model
        In evaluation mode.
    size
        Samples of a batch; fewer from where the device's memory is short.
    work
        Given the network, or a copy of it, and the rows of a batch; it must not depend on other batches.
    """
    copies, start = Copies(model, inputs.device, -(-len(rows) // size)), 0

    def one(here: Rows) -> Found:
        with copies.one() as network:
            return work(network, here)

    with SingleCorePool(copies.threads) as pool:
        while start < len(rows):
            step = inputs.micro_batch.of(size)
            batches = (rows[i : i + step] for i in range(start, len(rows), step))
            for here, result in pool.each(one, batches):
                found = inputs.micro_batch.attempt(len(here), result)
                if found is None:
                    break
                yield here, found
                start += len(here)


def batch_of(inputs: Inputs) -> int:
    """Return how many samples are evaluated at once: on a CPU 128 of 32 pixels, which stay in its cache."""
    if inputs.are_ids:
        most = _OF_KIND[ColumnName(inputs.column.name).kind]
        return max(8, min(4096, most // inputs.shape[-1]))
    full = 128 if inputs.device.type == "cpu" else 1024
    return max(8, min(full, full * 32**2 // inputs.shape[-1] ** 2)) if inputs.are_images else 4096
