"""GraNd of the last layer alone: exact, and free, because that gradient is an outer product."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.core.epochs import error_epoch
from prune.scorers.epochs import at_epoch


def grad_norm_last(error: Trajectory, feature_norm: Trajectory, /, *, epoch: int | None = None) -> Scores:
    """Length of a sample's gradient in the last linear layer, ``‖e‖·√(1 + ‖h‖²)``.

    The gradient of the weights is e hᵀ and that of the bias is e, where e = p − onehot(y) and h is the input
    of the layer.

    Parameters
    ----------
    error, feature_norm : (t, n)
        ‖e‖ and ‖h‖ at each epoch; NaN where the sample has none.
    epoch
        From 1 to t. Default: the 20th (a tenth of a full schedule), or six tenths of a trace of under 34
        epochs, as `el2n`.

    Returns
    -------
    (n,)
        At least 0: near 0 where the sample is learned, large where it is hard or mislabelled.

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Paul, Ganguli & Dziugaite, "Deep Learning on a Data Diet", NeurIPS 2021, arXiv:2107.07075.
    Katharopoulos & Fleuret, "Not All Samples Are Created Equal", ICML 2018, arXiv:1803.00942, for the last
    layer as a stand-in for all.
    """
    default = error_epoch(len(error))
    lengths = at_epoch(error, epoch, default) * np.hypot(1.0, at_epoch(feature_norm, epoch, default))
    return lengths.astype(np.float32)
