"""The design of fastText: the mean of the embeddings of a text's words and word pairs, then a linear head.

References: Joulin, Grave, Bojanowski & Mikolov, "Bag of Tricks for Efficient Text Classification", EACL 2017,
arXiv:1607.01759; as a proxy: Coleman et al., "Selection via Proxy", ICLR 2020, arXiv:1906.11829.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 10  # of an embedding, as in Selection via Proxy


class NgramMean(nn.Module):
    """The mean of the rows of a table that a text's ids name; of a text without any, 0.

    The gradient of the table is sparse: a step costs what its texts do, however long the table is.
    """

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, width).uniform_(-1 / width, 1 / width))

    def forward(self, ids: Tensor) -> Tensor:
        """(b, L), 0 where there is no n-gram, to (b, d)."""
        if ids.device.type == "cpu":
            found: Tensor = _Means.apply(self.weight, ids)
            return found
        there = ids > 0
        counts = there.sum(1)
        means: Tensor = functional.embedding_bag(
            ids[there].long(), self.weight, counts.cumsum(0) - counts, mode="mean", sparse=True
        )
        return means


class _Means(torch.autograd.Function):
    """The same on a CPU, where what torch takes apart a step is several times the arithmetic."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ids: Tensor) -> Tensor:
        """Return the means, float32 (b, d)."""
        from prune.proxy.ngram_kernels import fill_means

        ctx.save_for_backward(ids)
        ctx.rows = len(weight)
        means = torch.zeros(len(ids), weight.shape[1])
        fill_means(weight.detach().numpy(), ids.numpy(), means.numpy())
        return means

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the table, sparse, with a row for each id of each text."""
        from prune.proxy.ngram_kernels import fill_gradients

        (ids,), gradient = ctx.saved_tensors, gradients[0].contiguous()
        named = torch.empty(1, int((ids > 0).sum()), dtype=torch.int64)
        values = torch.empty(named.shape[1], gradient.shape[1])
        fill_gradients(ids.numpy(), gradient.numpy(), named[0].numpy(), values.numpy())
        size = (ctx.rows, gradient.shape[1])
        return torch.sparse_coo_tensor(named, values, size, check_invariants=False), None


def ngram(size: int, classes: int) -> nn.Module:
    """The mean of embeddings of 10 numbers of a text's words and word pairs, and a linear head: fastText."""
    return nn.Sequential(NgramMean(size, WIDTH), nn.Linear(WIDTH, classes))
