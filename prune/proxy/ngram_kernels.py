"""Inner loops of the proxy of texts: means of rows of a table, their gradient, and the step along it."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array
from prune.system.compilation import compiled


@compiled
def fill_means(table: Array, ids: Array, means: Array) -> None:
    """Add to each row of `means`, of zeros, the mean of the rows of `table` that a text's ids name."""
    for text in range(len(ids)):
        count = 0
        for place in range(ids.shape[1]):
            row = ids[text, place]
            if row > 0:
                count += 1
                for axis in range(table.shape[1]):
                    means[text, axis] += table[row, axis]
        for axis in range(table.shape[1] if count else 0):
            means[text, axis] /= np.float32(count)


@compiled
def fill_gradients(ids: Array, gradient: Array, named: Array, values: Array) -> None:
    """Write for each id of a text, one after the other, its row and its share of the gradient of the mean."""
    at = 0
    for text in range(len(ids)):
        first = at
        for place in range(ids.shape[1]):
            if ids[text, place] > 0:
                named[at] = ids[text, place]
                at += 1
        share = np.float32(1) / np.float32(max(at - first, 1))
        for own in range(first, at):
            for axis in range(gradient.shape[1]):
                values[own, axis] = gradient[text, axis] * share


@compiled
def move_rows(
    table: Array, squares: Array, named: Array, values: Array, lr: np.float32, smallest: np.float32
) -> None:
    """Take a step of Adagrad with the rows of a table that are named, whose values are added up first.

    They are added in their order, so that the bits are the same for any number of threads. Rows are found by
    a hash with open addressing, which stays in the cache; to sort them took longer than all else of a step.
    """
    bits = 4
    while (1 << bits) < 2 * len(named):
        bits += 1
    slots = np.full(1 << bits, -1, np.int32)  # of each hash the place in `rows`
    rows, summed, found = np.empty(len(named), np.int64), np.empty(values.shape, np.float32), 0
    for at in range(len(named)):
        place = np.int64((np.uint64(named[at]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits))
        while slots[place] >= 0 and rows[slots[place]] != named[at]:
            place = (place + 1) & ((1 << bits) - 1)
        slot = slots[place]
        if slot < 0:
            slots[place] = found
            rows[found] = named[at]
            summed[found] = values[at]
            found += 1
        else:
            for axis in range(values.shape[1]):
                summed[slot, axis] += values[at, axis]
    for slot in range(found):
        for axis in range(values.shape[1]):
            squares[rows[slot], axis] += summed[slot, axis] * summed[slot, axis]
            root = np.sqrt(squares[rows[slot], axis])
            table[rows[slot], axis] -= lr * summed[slot, axis] / (root + smallest)
