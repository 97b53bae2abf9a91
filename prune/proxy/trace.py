"""The trace: nine numbers a sample and epoch, from which every score of training dynamics is arithmetic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from prune.core.arrays import Trajectory
from prune.store import Column

FACTS = ("margin", "loss", "p_label", "p_other", "gap", "error", "entropy", "divergence", "feature_norm")
_LARGEST = 65_504.0  # of float16


def facts(logits: Tensor, labels: Tensor, features: Tensor, previous: Tensor | None = None) -> Tensor:
    """Return what the trace keeps of a batch: float16 (9, b), in the order of `FACTS`.

    - margin: z_y − max over j≠y of z_j
    - loss: −log p_y
    - p_label: p_y, in [0, 1]
    - p_other: max over j≠y of p_j
    - gap: the largest probability less the second
    - error: ‖p − onehot(y)‖₂, in [0, √2]
    - entropy: −Σ p log p, in [0, log c]
    - divergence: Σ |p (log p − log p of the epoch before)|; 0 at the first epoch
    - feature_norm: ‖h‖₂

    Parameters
    ----------
    logits : (b, c)
        z, with c ≥ 2.
    labels : (b,)
        Class ids; −1 where there is none: facts that need the label are then NaN.
    features : (b, d)
        h.
    previous : (b, c)
        `log_probabilities` of the epoch before, or None at the first.

    Returns
    -------
    (9, b)
        Clipped to the range of float16.

    References
    ----------
    Paul et al., arXiv:2107.07075 (error); Pleiss et al., arXiv:2001.10528 (margin); Zhang et al.,
    arXiv:2311.13613 (divergence).
    """
    logits = logits.float()
    logs = functional.log_softmax(logits, 1)
    probs = logs.exp()
    known = labels >= 0
    label = labels.clamp(min=0)[:, None]
    onehot = torch.zeros_like(probs).scatter_(1, label, 1.0)
    z_label, z_other = logits.gather(1, label)[:, 0], logits.masked_fill(onehot.bool(), -torch.inf).amax(1)
    first, second = probs.topk(2).values.unbind(1)
    of_label = torch.stack(
        [
            z_label - z_other,
            -logs.gather(1, label)[:, 0],
            probs.gather(1, label)[:, 0],
            probs.masked_fill(onehot.bool(), 0).amax(1),
            (probs - onehot).norm(dim=1),
        ]
    ).where(known, torch.nan)
    margin, loss, p_label, p_other, error = of_label
    entropy = -(probs * logs.clamp(min=-_LARGEST)).sum(1)
    divergence = torch.zeros_like(entropy)
    if previous is not None:
        # Both rounded alike, so that a prediction that stays has divergence 0.
        divergence = (probs * (log_probabilities(logits).float() - previous.float())).abs().sum(1)
    rows = [margin, loss, p_label, p_other, first - second, error, entropy, divergence]
    rows.append(features.float().norm(dim=1))
    return torch.stack(rows).clamp(-_LARGEST, _LARGEST).half()


def log_probabilities(logits: Tensor) -> Tensor:
    """Return log p as float16 (b, c), finite: what `facts` compares with at the next epoch."""
    return functional.log_softmax(logits.float(), 1).clamp(min=-_LARGEST).half()


class Trace:
    """A column `trace.<run>`: float16 (t, 9, n), one part an epoch. Rows without a sample are NaN."""

    def __init__(self, column: Column) -> None:
        if column.shape[1] != len(FACTS):
            raise ValueError(f"{column.name} has {column.shape[1]} facts an epoch, not {len(FACTS)}")
        self.column = column

    @property
    def epochs(self) -> int:
        """t; epochs are numbered from 1."""
        return self.column.shape[0]

    def fact(self, name: str) -> Trajectory:
        """Return one of `FACTS`: float32 (t, n), which is all the memory it takes."""
        place = FACTS.index(name)
        values = np.empty((self.epochs, self.column.shape[2]), np.float32)
        for epoch, block in self.column.blocks():
            values[epoch : epoch + len(block)] = block[:, place]
        return values

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """(t, n): where the label has the largest logit; False for rows without a sample or a label."""
        return self.fact("margin") > 0
