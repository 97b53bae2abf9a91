"""Nearest neighbours from inverted lists: a sample meets the members of the lists whose centroids are near.

All samples ask, so a list and everybody who asks it are one matrix product, and whoever asks is offered to
the members as well. More lists are asked until a sample of the answers is as good as it has to be.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Rows
from prune.index.blocks import Operands, operands_of
from prune.index.exact import TILE, Meeting, each_to_all, rule_of
from prune.index.kmeans import trained
from prune.index.search import LISTS, PROBES
from prune.index.space import EmbeddingSpace, Space, Sums
from prune.index.topk import Heaps, heaps_of
from prune.system.compilation import compiled

RECALL = 0.995
CHECKED = 512  # samples whose answers are compared with the exact ones
PIECE = 65_536  # samples that look for their lists together
KNOWN = 16  # lists that a sample looks for at once; for more it looks again, rather than know them all


def from_lists(space: Space, count: int, seed: int) -> tuple[Heaps, float]:
    """Return the nearest of each sample, and the share of true ones among them, measured on 512 samples."""
    operands = operands_of(space)
    vectors = space.coordinates()
    lists = max(1, min(space.n, round(LISTS * space.n**0.5)))
    centroids = trained(vectors, lists, seed=seed, iterations=5, sample=48, careful=False)
    probes = _probes(vectors, centroids, slice(0, KNOWN))
    sample, edges = _sample(operands, count, seed)
    order = np.argsort(probes[:, 0], kind="stable")
    starts = np.searchsorted(probes[order, 0], np.arange(len(centroids) + 1))
    operands = operands.arranged(order)
    meet = Meeting(heaps_of(space.n, count))
    done, known, recall = 0, 0, 0.0
    for upto in PROBES:
        if done >= KNOWN:  # which need not be held any more
            probes, known = _probes(vectors, centroids, slice(done, upto)), done
        _ask(meet, operands, probes[:, done - known : upto - known], (order, starts))
        recall = float((meet.heaps.gaps[sample] <= edges[:, None]).mean())
        done = upto
        if recall >= RECALL or done >= len(centroids):
            break
    return meet.heaps, recall


def _sample(operands: Operands, count: int, seed: int) -> tuple[Rows, Sums]:
    """Return some samples, and the squared distance of the farthest that each should find."""
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.choice(operands.n, min(CHECKED, operands.n), replace=False))
    return sample, each_to_all(operands, operands, count, sample).gaps[:, 0]


def _probes(
    vectors: EmbeddingSpace, centroids: npt.NDArray[np.float32], which: slice
) -> npt.NDArray[np.int32]:
    """(n, few) int32 lists of each sample: these of them, counted from the nearest centroid on."""
    others = operands_of(EmbeddingSpace(centroids, memory=vectors.memory))
    count = min(which.stop, len(centroids))
    probes = np.empty((vectors.n, count - which.start), np.int32)
    for start in range(0, vectors.n, PIECE):
        rows = np.arange(start, min(start + PIECE, vectors.n))
        heaps = each_to_all(others.framed_like(vectors.subset(rows)), others, count)
        order = np.lexsort((heaps.who, heaps.gaps))
        probes[rows] = np.take_along_axis(heaps.who, order, axis=1)[:, which]
    return probes


def _ask(
    meet: Meeting,
    operands: Operands,
    probes: npt.NDArray[np.int32],
    members: tuple[Rows, Rows],
) -> None:
    """Let all samples meet the members of the lists in their columns of `probes`, both ways."""
    order, starts = members
    edges, asking = np.zeros(len(starts), np.int64), np.empty(probes.size, np.int32)
    _by_list(probes, edges, asking)
    for k in range(len(starts) - 1):
        inside, who = order[starts[k] : starts[k + 1]], asking[edges[k] : edges[k + 1]].astype(np.int64)
        for at in range(0, len(inside), TILE):
            two = operands.load(inside[at : at + TILE])
            for first in range(0, len(who), TILE):
                one = operands.load(who[first : first + TILE])
                products = meet.products(operands, one, two)
                meet.rows(one, two, products, rule_of(operands, two, again=True))
                meet.columns(one, two, products, rule_of(operands, one, again=True))


@compiled
def _by_list(probes: Array, edges: Array, asking: Array) -> None:
    """Write who asks each list, one list after the other, and where each begins and the last ends."""
    for i in range(len(probes)):
        for k in probes[i]:
            edges[k + 1] += 1
    for k in range(1, len(edges)):
        edges[k] += edges[k - 1]
    ends = edges.copy()
    for i in range(len(probes)):
        for k in probes[i]:
            asking[ends[k]] = i
            ends[k] += 1
