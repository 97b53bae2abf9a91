"""Thumbnails as vectors whose products say how much two images resemble each other, whatever encoded them.

Two vectors, because each fails where the other does not:

- *coarse*: 8 x 8 colours. Encoding and resizing hardly move it, and it is short enough to search by; but all
  skies over the sea are alike in it.
- *detail*: the steps of brightness between neighbours in a grid of 16 x 16, as signed square roots: as they
  are, one strong edge (a horizon, a frame) outweighs all that is in the picture. Steps below four of 256
  levels do not count: that is what encoding adds to an even surface.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Images

SIDE = 32  # pixels of a thumbnail
_COARSE, _DETAIL = 8, 16  # cells of a side
_EVEN = 4  # levels of brightness: a step that is no larger is none
_LUMINANCE = np.array([299, 587, 114], np.int64)  # of red, green and blue, in thousandths (ITU-R BT.601)

Vectors = npt.NDArray[np.float32]  # (b, d), each of norm 1, or 0 where there is nothing to see


def coarse(images: Images) -> Vectors:
    """Return colours of 8 x 8 cells less their mean, (b, 192); 0 of an image of one colour throughout.

    Parameters
    ----------
    images : (b, 3, 32, 32)
    """
    cells = _cells(images, _COARSE).reshape(len(images), -1)
    # Whole numbers until here, so that equal images give equal bits whatever sums them.
    return _unit(cells * cells.shape[1] - cells.sum(1, keepdims=True))


def detail(images: Images) -> Vectors:
    """Return signed roots of the steps of brightness across and down, (b, 480).

    Parameters
    ----------
    images : (b, 3, 32, 32)
    """
    grey = np.tensordot(_cells(images, _DETAIL), _LUMINANCE, (1, 0))
    across, down = np.diff(grey, axis=2), np.diff(grey, axis=1)
    steps = np.concatenate([a.reshape(len(images), -1) for a in (across, down)], axis=1)
    none = _EVEN * int(_LUMINANCE.sum()) * (SIDE // _DETAIL) ** 2  # in the units of the sums
    return _unit(np.sign(steps) * np.sqrt(np.maximum(np.abs(steps) - none, 0)))


def mirrored(images: Images) -> Images:
    """Return images with left and right exchanged."""
    return images[..., ::-1]


def _cells(images: Images, side: int) -> npt.NDArray[np.int64]:
    """Sum the pixels of side x side cells: (b, 3, side, side)."""
    wide = SIDE // side
    shape = (len(images), 3, side, wide, side, wide)
    return images.reshape(shape).sum(axis=(3, 5), dtype=np.int64)


def _unit(rows: npt.NDArray[np.generic]) -> Vectors:
    wide = rows.astype(np.float64)
    norms = np.sqrt(np.square(wide).sum(1, keepdims=True))
    return (wide / np.maximum(norms, 1e-9)).astype(np.float32)
