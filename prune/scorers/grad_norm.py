"""GraNd: how hard one sample would pull at the weights of the proxy."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores


def grad_norm(gradient: Scores, /) -> Scores:
    """Length of a sample's own gradient of the cross-entropy over all parameters, ``‖∇_θ CE(x, y)‖₂``.

    Taken at the weights after epoch 20, or after the last of fewer: gradients need weights, and the store
    keeps those of this epoch and of the last only. There is no other epoch to choose; ``grad_norm_last``
    follows from the trace and looks at any.

    Parameters
    ----------
    gradient : (n,)
        The length of each sample's gradient, batch norm affine parameters included, with batch norm in
        evaluation mode; NaN where the sample has none.

    Returns
    -------
    (n,)
        At least 0: near 0 where the sample is learned, large where it is hard or mislabelled.

    References
    ----------
    Paul, Ganguli & Dziugaite, "Deep Learning on a Data Diet", NeurIPS 2021, arXiv:2107.07075.
    Differs: measured early in training, never at initialisation, where it is the norm of the input
    (Kirsch, "Does 'Deep Learning on a Data Diet' reproduce?", 2023, arXiv:2303.14753).
    """
    return np.array(gradient, np.float32)
