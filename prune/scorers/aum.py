"""AUM: the margin by which the label wins, over the whole of training; mislabelled samples lose."""

from __future__ import annotations

from typing import Literal

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import between


def aum(
    margin: Trajectory,
    p_label: Trajectory,
    p_other: Trajectory,
    /,
    *,
    on: Literal["logits", "probs"] = "logits",
    first: int | None = None,
    last: int | None = None,
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
    first, last
        Epochs from 1 to t that the mean is taken over. Default: all.

    Returns
    -------
    (n,)
        Above 0 where the label leads most of the time (easy), below 0 where another class does, as it does
        under a wrong label. On `probs` in ``[−1, 1]``.

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Pleiss et al., "Identifying Mislabeled Data using the Area Under the Margin Ranking", NeurIPS 2020,
    arXiv:2001.10528.
    Differs: taken on a clean evaluation pass after each epoch, not on the training minibatches.
    A second column, `suspect`, marks the labels that are doubted: those of the harder of two normal
    distributions fitted to the scores, where there are clearly two (see `prune select --drop-hardest auto`,
    the same rule). The paper finds its threshold by training again with an extra class of samples whose label
    is known to be wrong; here nothing is trained again, and where clean and wrong overlap, none is marked.
    A third column, `suspect_rank`, orders all labels, the most suspect first, whether any is marked or not.
    """
    if on == "probs":
        ours, theirs = (np.asarray(between(p, first, last), np.float64) for p in (p_label, p_other))
        lead = ours - theirs
    else:
        lead = np.asarray(between(margin, first, last), np.float64)
    return lead.mean(axis=0).astype(np.float32)
