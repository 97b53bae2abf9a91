"""AUM: the margin by which the label wins, over the whole of training; mislabelled samples lose."""

from __future__ import annotations

from typing import Literal

import numpy as np

from prune.arrays import Scores, Trajectory


def aum(
    margin: Trajectory,
    p_label: Trajectory,
    p_other: Trajectory,
    /,
    *,
    on: Literal["logits", "probs"] = "logits",
) -> Scores:
    """Mean over the epochs of the label's lead over the best other class, ``z_y − max_{j≠y} z_j``.

    Parameters
    ----------
    margin : (t, n)
        ``z_y − max_{j≠y} z_j`` at each epoch, of the logits; NaN where the sample has no label.
    p_label, p_other : (t, n)
        ``p_y`` and ``max_{j≠y} p_j`` at each epoch.
    on
        `logits`, or `probs` for ``p_y − max_{j≠y} p_j``.

    Returns
    -------
    (n,)
        Above 0 where the label leads most of the time (easy), below 0 where another class does, as it does
        under a wrong label. On `probs` in ``[−1, 1]``.

    References
    ----------
    Pleiss et al., "Identifying Mislabeled Data using the Area Under the Margin Ranking", NeurIPS 2020,
    arXiv:2001.10528.
    Differs: taken on a clean evaluation pass after each epoch, not on the training minibatches.
    """
    if on == "probs":
        lead = np.asarray(p_label, np.float64) - np.asarray(p_other, np.float64)
    else:
        lead = np.asarray(margin, np.float64)
    return lead.mean(axis=0).astype(np.float32)
