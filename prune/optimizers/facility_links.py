"""The inner loops of facility location along links: a pick walks those of the samples it serves better."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.index.heap import heapify, pop, sink
from prune.optimizers.facility_kernels import TAKEN, fixed
from prune.system.compilation import compiled


class Links(NamedTuple):
    """Compressed rows."""

    starts: Array  # (rows + 1,) int64
    rows: Array  # (nnz,) int32, what the entries are linked to
    values: Array  # (nnz,) float32 in [0, 1]


class LinkedSimilarities(NamedTuple):
    """Similarities along the links, and what the candidates chosen so far do for the samples."""

    samples: Links  # of each sample to candidates, most similar first
    candidates: Links  # the same links from the other end
    best: Array  # (samples,) int32
    gain: Array  # (candidates,) int64


@compiled
def sparse_gains(state: LinkedSimilarities, rows: Array, out: Array) -> None:
    """Write Σᵢ max(sᵢⱼ − bestᵢ, 0) of some candidates j."""
    links = state.candidates
    for at in range(len(rows)):
        total = np.int64(0)
        for p in range(links.starts[rows[at]], links.starts[rows[at] + 1]):
            total += max(fixed(links.values[p]) - state.best[links.rows[p]], 0)
        out[at] = total


@compiled
def serve(state: LinkedSimilarities, row: int) -> None:
    """Raise `best` to candidate `row`."""
    links = state.candidates
    for p in range(links.starts[row], links.starts[row + 1]):
        i = links.rows[p]
        state.best[i] = max(fixed(links.values[p]), state.best[i])


@compiled
def take(state: LinkedSimilarities, row: int) -> None:
    """Choose a candidate, and take off all gains what it leaves less to add."""
    links, samples = state.candidates, state.samples
    state.gain[row] = TAKEN
    for p in range(links.starts[row], links.starts[row + 1]):
        i = links.rows[p]
        old, new = state.best[i], fixed(links.values[p])
        if new <= old:
            continue
        state.best[i] = new
        for q in range(samples.starts[i], samples.starts[i + 1]):
            value = fixed(samples.values[q])
            if value <= old:
                break
            state.gain[samples.rows[q]] -= min(value, new) - old


@compiled
def turned(links: Links, back: Links) -> None:
    """Write the same links from the other end, samples in order; `back.starts` is there already."""
    at = back.starts[:-1].copy()
    for i in range(len(links.starts) - 1):
        for p in range(links.starts[i], links.starts[i + 1]):
            j = links.rows[p]
            back.rows[at[j]] = i
            back.values[at[j]] = links.values[p]
            at[j] += 1


@compiled
def climb_links(state: LinkedSimilarities, picks: Array, gains: Array) -> None:
    """Pick the largest gain, ties by the lower row, from a heap of gains that may have fallen since."""
    size = len(state.gain)
    keys, names = state.gain.copy(), np.arange(size).astype(np.int32)
    heapify(keys, names, True)
    for count in range(len(picks)):
        while keys[0] != state.gain[names[0]]:
            sink(keys, names, size, 0, state.gain[names[0]], names[0], True)
        row = names[0]
        picks[count], gains[count] = row, keys[0]
        take(state, row)
        pop(keys, names, size, True)
        size -= 1
