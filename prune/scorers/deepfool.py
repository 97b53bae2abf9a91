"""DeepFool: how far a sample lies from the decision boundary of the trained proxy."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores


def deepfool(boundary: Scores, /) -> Scores:
    """Squared length of the smallest change of the sample that alters its prediction, ``‖r‖₂²``.

    Found step by step through the network after the last epoch: at most 50 steps, each to the nearest
    boundary of the linearised network with one of the 9 likeliest other classes, 2 % beyond. In units of the
    normalised input. Time: 2 to 5 steps a sample, each a forward and 10 backward passes, so about as much as
    some tens of epochs of the proxy; memory O(batch).

    Good at finding samples near the boundary for little label effort, lowest first. Bad at wrong labels,
    which it does not look at; and at networks that are sure of everything, where gradients vanish.

    Parameters
    ----------
    boundary : (n,)
        Squared distance of each sample; NaN where it could not be read, infinite where nothing moves the
        prediction.

    Returns
    -------
    (n,)
        At least 0: 0 on the boundary, large far from it (easy). Samples that nothing moves score as the
        farthest of the others.

    References
    ----------
    Moosavi-Dezfooli, Fawzi & Frossard, "DeepFool: a simple and accurate method to fool deep neural networks",
    CVPR 2016, arXiv:1511.04599. Ducoffe & Precioso, "Adversarial Active Learning for Deep Networks: a Margin
    Based Approach", 2018, arXiv:1802.09841.
    Differs: the overshoot is not part of the distance.
    """
    scores = np.array(boundary, np.float32)
    endless = np.isposinf(scores)
    scores[endless] = np.max(scores[np.isfinite(scores)], initial=0.0)
    return scores
