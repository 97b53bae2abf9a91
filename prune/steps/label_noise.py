"""Label noise on purpose: wrong labels at a known rate, and a mask of which they are."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Labels
from prune.core.errors import DataError, OptionError
from prune.core.quota import share_count
from prune.system import files

Kind: TypeAlias = Literal["symmetric", "pairwise"]

_ROWS, _CLASSES = 1, 2  # what a seed is used for


@dataclass(frozen=True)
class Noisy:
    """Labels of which some are wrong."""

    labels: Labels  # (n,)
    mask: npt.NDArray[np.bool_]  # (n,), true where the label is wrong

    def save(self, path: str | Path) -> Path:
        """Write the labels to `path`, and the mask beside it: y.npy and y.mask.npy; return the latter."""
        files.remove(_names(path)[1])  # of other labels: it must not be taken for that of these
        for name, array in zip(_names(path), (self.labels, self.mask), strict=True):
            packed = io.BytesIO()
            np.save(packed, array)
            files.write(name, packed.getvalue())
        return _names(path)[1]


def load(path: str | Path) -> Noisy:
    """Read what `Noisy.save` wrote.

    Raises
    ------
    DataError
        A file is missing, or they do not belong together.
    """
    arrays = []
    for name in _names(path):
        try:
            arrays.append(np.load(name, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise DataError(f"{name} cannot be read", "prune.noise.inject(labels, 0.1).save(path)") from error
    labels, mask = arrays
    if mask.dtype != bool or mask.shape != labels.shape:
        raise DataError(
            f"{_names(path)[1]} holds {mask.dtype} {mask.shape}, no mask of {labels.shape} labels"
        )
    return Noisy(labels, mask)


def inject(
    labels: npt.ArrayLike, rate: float, *, kind: Kind = "symmetric", classes: int | None = None, seed: int = 0
) -> Noisy:
    """Replace a fraction of the labels by wrong ones.

    Exactly ``round(rate · n)`` samples, drawn without replacement, get another class than their own. The same
    labels, rate and seed give the same noise, and a lower rate is a part of a higher one.

    Parameters
    ----------
    labels : (n,)
        Class ids; −1 where there is none: these stay, and do not count.
    rate
        From 0 to 1.
    kind
        ``symmetric``: any other class, all equally likely; ``pairwise``: the class after its own, the first
        after the last.
    classes
        How many classes there are, numbered from 0. Default: those that occur in `labels`.
    seed
        Of what is drawn.

    Returns
    -------
    Noisy
        New labels of the same type, and the mask of those that changed.

    Raises
    ------
    OptionError
        The rate is not from 0 to 1, there is no such kind, there are not two classes to confuse, or
        the type of the labels cannot hold them.
    ValueError
        Labels are not whole numbers, or there are more than `classes`.

    References
    ----------
    Patrini et al., "Making Deep Neural Networks Robust to Label Noise", CVPR 2017, arXiv:1609.03683, for the
    two kinds. Han et al., "Co-teaching", NeurIPS 2018, arXiv:1804.06872, for pairwise noise in a ring.
    Differs: an exact count, and never a sample's own class, so that the rate is the rate of wrong labels.
    """
    given = np.asarray(labels)
    known = _checked(given, rate, kind, classes)
    rows = np.flatnonzero(given >= 0)
    count = share_count(rate, len(rows))
    if count and len(known) < 2:
        raise OptionError(f"labels of {len(known)} classes cannot be confused", "classes=10 names more")
    wrong = np.random.default_rng([seed, _ROWS]).permutation(rows)[:count]
    own = np.searchsorted(known, given[wrong])
    # One shift a sample, whatever the rate, so that a lower rate changes the same labels in the same way.
    shift = np.random.default_rng([seed, _CLASSES]).integers(1, max(len(known), 2), len(rows))[:count]
    noisy, mask = given.copy(), np.zeros(len(given), bool)
    noisy[wrong] = known[(own + (shift if kind == "symmetric" else 1)) % max(len(known), 1)]
    mask[wrong] = True
    return Noisy(noisy, mask)


def _checked(labels: Labels, rate: float, kind: str, classes: int | None) -> Labels:
    """Return the class ids, ascending."""
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise ValueError(f"labels are {labels.dtype} {labels.shape}, not (n,) whole numbers")
    if not 0 <= rate <= 1:
        raise OptionError(f"a noise rate of {rate} is not from 0 to 1", "0.1 makes one label in ten wrong")
    if kind not in ("symmetric", "pairwise"):
        raise OptionError(f"noise is symmetric or pairwise, not {kind!r}")
    if classes is None:
        return np.unique(labels[labels >= 0])
    if len(labels) and labels.max() >= classes:
        raise ValueError(f"labels go up to {labels.max()}, but there are {classes} classes")
    if len(labels) and classes - 1 > np.iinfo(labels.dtype).max:
        raise OptionError(f"labels of type {labels.dtype} cannot be {classes - 1}", "labels.astype('int64')")
    return np.arange(classes)


def _names(path: str | Path) -> tuple[Path, Path]:
    labels = Path(path)
    labels = labels if labels.suffix == ".npy" else labels.with_name(f"{labels.name}.npy")
    return labels, labels.with_name(f"{labels.name.removesuffix('.npy')}.mask.npy")
