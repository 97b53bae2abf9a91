"""Nearest of other samples by faiss's flat index: float32 distances name a few, float64 decides among them.

A float32 distance is another number under every BLAS kernel, and faiss's also for another number of threads.
So a few more candidates are asked for than are wanted: the distance of the last of them, less what rounding
can have done to it, is a bound that nobody left out is below. Who cannot be decided by it is named, and left
to who asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index import topk
from prune.index.blocks import Operand, Vectors
from prune.index.product_bounds import TINY, UNIT
from prune.index.topk import Heaps, heaps_of
from prune.system.executors.threads import threads

SPARE = 8  # candidates beyond those wanted; of a nearest one alone the runner-up is enough
OFFERED = 2**22  # numbers of those that are looked at together: 16 MB, and so many again in faiss
WORK = 2.0**32  # multiplications of one call, which an interruption waits for: a tenth of a second
LEAST = 1024  # samples that are looked at together at least
FEWEST, MOST = 64, 4096  # samples that look together: fewer are no matrix product, more gain nothing


def meet_by_faiss(one: Vectors, two: Vectors, count: int, sample: Rows | None = None) -> tuple[Heaps, Rows]:
    """Return the nearest among `two` of samples of `one`, and the places whose answer is not proven.

    Every call of faiss is one thread's, as many side by side as there may be: the same bytes whatever their
    number. Memory: 48 MB, and 24 MB for each thread.
    """
    names = np.arange(one.n) if sample is None else sample
    heaps, beyond = heaps_of(len(names), count), np.full(len(names), np.inf)
    step = min(max(OFFERED // one.space.d, LEAST), two.n)
    size = int(np.clip(WORK / (step * one.space.d), FEWEST, MOST))
    spans = [slice(start, min(start + size, len(names))) for start in range(0, len(names), size)]
    with threads() as pool:
        for start in range(0, two.n, step):
            offered = _Offered(two.load(slice(start, min(start + step, two.n))), count, apart=one is not two)

            def look(span: slice, offered: _Offered = offered) -> None:
                which = span if sample is None else sample[span]
                offered.look(one.load(which), Heaps(heaps.gaps[span], heaps.who[span]), beyond[span])

            list(pool.map(look, spans))
    edges = heaps.gaps[:, 0] * one.scale**2
    return heaps, np.flatnonzero(np.isfinite(beyond) & ~(edges < beyond))


class _Offered:
    """Samples that are looked at together, in an index of faiss."""

    def __init__(self, block: Operand, count: int, *, apart: bool) -> None:
        import faiss

        self.side, self.apart = block.side, apart
        self.reach = float(np.sqrt(block.side.norms.max(initial=0.0)))
        self.index: Any = faiss.IndexFlatL2(block.framed.shape[1])
        self.index.add(np.ascontiguousarray(block.framed))
        spare = 1 if count == 1 else SPARE
        self.wanted = min(count + (not apart), self.index.ntotal)  # oneself among them
        self.asked = min(self.wanted + spare, self.index.ntotal)

    def look(self, block: Operand, heaps: Heaps, beyond: Array) -> None:
        """Offer candidates to a block of samples; lower to `beyond` what nobody else is nearer than."""
        import faiss

        faiss.omp_set_num_threads(1)  # of this thread; others have their own number
        squares, who = self.index.search(np.ascontiguousarray(block.framed), self.asked)
        side = block.side._replace(places=np.arange(len(who)))
        doubt = _doubt(np.sqrt(side.norms) + self.reach, block.framed.shape[1])
        who[
            squares > (squares[:, self.wanted - 1] + 2 * doubt)[:, None]
        ] = -1  # for sure not among the nearest
        topk.meet_named(heaps, side, self.side, who, self.apart)
        if self.asked < self.index.ntotal:
            np.minimum(beyond, squares[:, -1] - doubt, out=beyond)


def _doubt(both: Array, d: int) -> Array:
    """How far ``‖x‖² − 2 x·y + ‖y‖²`` in float32 is from the truth at most, given ‖x‖ + ‖y‖.

    Each of three sums of d terms is off by at most ``d·u/(1 − d·u)`` of what it would be with all terms
    positive, which together is ``(‖x‖ + ‖y‖)²``; adding them up, and moving into the frame, round some more.
    """
    terms = (d + 16) * UNIT
    doubt: Array = terms / (1 - terms) * both**2 + TINY
    return doubt
