"""Input norm: the length of the image itself, the baseline that any score has to beat."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Images, Scores

MEAN = (0.485, 0.456, 0.406)  # of red, green and blue over ImageNet, pixels in [0, 1]
STD = (0.229, 0.224, 0.225)
_ROWS = 1024  # images in arithmetic at a time


NOT_LEARNED = (
    "input_norm says nothing about what is learned; it is what gradient norms at epoch 0 come to (Spearman "
    "0.96), and CIFAR-10 halved by it gave 92.4 % accuracy where random gave 93.5 % "
    "(Kirsch, 2023, arXiv:2303.14753). Try --score el2n"
)


def input_norm(images: Images, /) -> Scores:
    """Length of the normalised image, ``‖(x/255 − mean) / std‖₂``.

    Parameters
    ----------
    images : (n, 3, s, s)
        RGB pixels. Mean (0.485, 0.456, 0.406) and standard deviation (0.229, 0.224, 0.225) are ImageNet's.

    Returns
    -------
    (n,)
        At least 0. No end means hard or easy: it is long for very dark, very bright and loud images. A score
        that correlates with it has learned nothing, as GraNd at initialisation has not.

    References
    ----------
    Kirsch, "Does 'Deep Learning on a Data Diet' reproduce? Overall yes, but GraNd at Initialization does
    not", 2023, arXiv:2303.14753.
    """
    levels = np.arange(256) / 255
    squares = ((levels - np.array(MEAN)[:, None]) / np.array(STD)[:, None]) ** 2  # (3, 256)
    norms = np.empty(len(images), np.float32)
    for start in range(0, len(images), _ROWS):
        block = images[start : start + _ROWS].reshape(-1, 3, images[0, 0].size)
        norms[start : start + _ROWS] = np.sqrt(sum(squares[c][block[:, c]].sum(axis=1) for c in range(3)))
    return norms
