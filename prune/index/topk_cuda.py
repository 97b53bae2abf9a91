"""The k nearest on a CUDA device: float32 products name candidates, float64 differences decide among them.

What cannot be proven there, because too many samples are almost equally near, is left to the CPU.
"""

from __future__ import annotations

import numpy as np
import torch

from prune.core.arrays import Array, Rows
from prune.index.blocks import Vectors
from prune.index.farthest_cuda import PAIRS, DeviceVectors, squared
from prune.index.topk import NOBODY, Heaps

SPARE = 32  # candidates beyond those asked for
QUERIES = 1024  # samples that look for candidates together
OFFERED = 65_536  # samples that they look at together: 256 MB of products


def meet_on_device(one: Vectors, two: Vectors, count: int, sample: Rows | None = None) -> tuple[Heaps, Rows]:
    """Return the nearest among `two` of the samples of `one`, and the places whose answer is not proven."""
    keepers = DeviceVectors(one.space, one.frame)
    others = keepers if two is one else DeviceVectors(two.space, two.frame, one.space.device)
    names = np.arange(one.n) if sample is None else sample
    heaps = Heaps(np.empty((len(names), count)), np.empty((len(names), count), np.int32))
    doubtful = []
    for start in range(0, len(names), QUERIES):
        span = slice(start, start + QUERIES)
        gaps, who, proven = _nearest(keepers, others, names[span], count)
        heaps.gaps[span], heaps.who[span] = gaps[:, ::-1], who[:, ::-1]  # falling: a heap
        doubtful.append(np.flatnonzero(~proven) + start)
    return heaps, np.concatenate(doubtful)


def _nearest(
    keepers: DeviceVectors, others: DeviceVectors, names: Rows, count: int
) -> tuple[Array, Array, Array]:
    at = keepers.send(names)
    rows = keepers.rows(at)
    keys, who = _candidates(keepers, others, at, count + SPARE)
    gaps = torch.empty(who.shape, dtype=torch.float64, device=who.device)
    step = max(1, PAIRS // who.shape[1])
    for start in range(0, len(names), step):
        some = who[start : start + step]
        pairs = rows[start : start + step].repeat_interleave(some.shape[1], 0)
        gaps[start : start + step] = squared(pairs, others.rows(some.flatten())).view(some.shape)
    gaps[keys.isinf()] = torch.inf  # oneself
    order = np.lexsort((who.cpu().numpy(), gaps.cpu().numpy()))[:, :count]
    gaps = gaps.gather(1, keepers.send(order))
    if len(others.norms) <= who.shape[1]:
        proven = torch.ones(len(names), dtype=torch.bool)
    else:
        norms, reach = keepers.norms[at], others.norms.max().sqrt()
        doubt = keepers.error(norms.sqrt(), reach)
        beyond = 2 * (keys.double().amax(1) - doubt) + norms  # nobody left out is nearer than this
        proven = gaps[:, -1] * keepers.scale**2 < beyond
    chosen = who.gather(1, keepers.send(order)).int()
    return gaps.cpu().numpy(), chosen.cpu().numpy().clip(0, NOBODY), proven.cpu().numpy()


def _candidates(
    keepers: DeviceVectors, others: DeviceVectors, at: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    framed = keepers.framed(keepers.rows(at))
    keys = torch.empty(len(at), 0, device=framed.device)
    who = torch.empty(len(at), 0, dtype=torch.int64, device=framed.device)
    for start in range(0, len(others.norms), OFFERED):
        span = slice(start, min(start + OFFERED, len(others.norms)))
        offered = others.framed(others.rows(span))
        fresh = (others.norms[span] / 2).float() - framed @ offered.T
        if others is keepers:
            inside = (at >= span.start) & (at < span.stop)
            fresh[inside.nonzero().squeeze(1), at[inside] - span.start] = torch.inf
        names = torch.arange(span.start, span.stop, device=who.device).expand(len(at), -1)
        keys, best = torch.cat([keys, fresh], 1).topk(
            min(count, keys.shape[1] + fresh.shape[1]), largest=False
        )
        who = torch.cat([who, names], 1).gather(1, best)
    return keys, who
