"""Confident learning: which labels are wrong, and what is likelier, by predictions that did not see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Labels, Rows

_BLOCK = 65_536  # rows that are float64 at once
_NEAR = 1e-6  # a probability so little below a threshold has rounding to thank for it
_NEVER = 2.0  # a threshold that no probability reaches
_TIE = 2.0**-30  # below any difference of two float16 probabilities

_Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ConfidentDoubt:
    """What predictions say of each label; of samples without a label or a prediction, nothing."""

    mask: npt.NDArray[np.bool_]  # (n,) the label is doubted
    likely: Labels  # (n,) the likeliest class other than the label; −1: nothing is known
    ease: _Numbers  # (n,) low where the label is to be looked at first; NaN: nothing is known
    joint: npt.NDArray[np.int64]  # (c, c) samples that count with confidence, by label and by class
    expected: int  # how many labels are wrong, by the joint
    agree: float  # share of the labels that are the prediction


def confident_doubt(probs: Array, labels: Labels) -> ConfidentDoubt:
    """Return the labels that predictions contradict: as many as are wrong with confidence.

    A sample counts for a class where its probability reaches the mean of that class's own samples, the
    likeliest of several such classes first. How many of label i count for class j, scaled to the samples of
    label i, is how many of its labels are of class j; the paper doubts those with the largest p_j − p_i, as
    far as they are not predicted. As many are doubted here, of all labels together: those of the least
    probability first and, of equal ones, those whose likeliest other class is likelier; no fewer than tie.
    Time O(n·c + n·log n·(pairs of classes that are mixed up)/c), memory O(n + largest class · c).

    Differs: the paper takes those that it counts. The probability of the label orders them better: with as
    many, more are wrong, on digits and on CIFAR-10 (`benchmarks/suspects.py`).

    Parameters
    ----------
    probs : (n, c)
        Best of models that did not train on the sample: what was trained on may be learnt by heart, wrong
        labels too. Rows that are not finite say nothing.
    labels : (n,)
        Class ids below c; negative where there is none.

    Returns
    -------
    ConfidentDoubt
        Masks and numbers, in the order of the samples.

    Raises
    ------
    ValueError
        A label is not a class of the predictions, or there are not as many of both.

    References
    ----------
    Northcutt, Jiang & Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021,
    arXiv:1911.00068: the confident joint, its calibration, and pruning by noise rate.
    """
    n, c = probs.shape
    if len(labels) != n or labels.max(initial=-1) >= c:
        raise ValueError(f"{len(labels)} labels up to {labels.max(initial=-1)}, but probs is {probs.shape}")
    likely, ease = np.full(n, -1, np.int64), np.full(n, np.nan)
    lost = np.zeros(n, bool)
    joint = np.zeros((c, c), np.int64)
    known = _known(probs, labels)
    thresholds = _thresholds(probs, labels, known)
    for rows, p in _blocks(probs, known):
        given, here = labels[rows], np.arange(len(rows))
        confident = np.where(p >= thresholds - _NEAR, p, -1.0)
        sure = confident.max(1) >= 0
        np.add.at(joint, (given[sure], confident.argmax(1)[sure]), 1)
        own = p[here, given]
        p[here, given] = -1.0
        best = p.max(1)
        likely[rows] = np.where(best >= 0, p.argmax(1), -1)
        ease[rows], lost[rows] = own - np.maximum(best, 0) * _TIE, best > own
    expected = 0
    for label, counts in enumerate(_calibrated(joint, labels[known])):
        rows = known[labels[known] == label]
        expected += int((_worst(probs, rows, label, counts) & lost[rows]).sum())
    agree = 1 - float(lost[known].mean()) if len(known) else 0.0
    return ConfidentDoubt(lost & _first(ease, known, expected), likely, ease, joint, expected, agree)


def _known(probs: Array, labels: Labels) -> Rows:
    finite = [np.isfinite(probs[at : at + _BLOCK]).all(1) for at in range(0, len(probs), _BLOCK)]
    return np.flatnonzero(np.concatenate([*finite, np.empty(0, bool)]) & (labels >= 0))


def _blocks(probs: Array, rows: Rows) -> Iterator[tuple[Rows, _Numbers]]:
    for at in range(0, len(rows), _BLOCK):
        here = rows[at : at + _BLOCK]
        yield here, probs[here].astype(np.float64)


def _thresholds(probs: Array, labels: Labels, known: Rows) -> _Numbers:
    """Return the mean probability of each class among its own samples; of a class without any, too much."""
    c = probs.shape[1]
    own, count = np.zeros(c), np.bincount(labels[known], minlength=c)
    for rows, p in _blocks(probs, known):
        given = labels[rows]
        own += np.bincount(given, p[np.arange(len(p)), given], minlength=c)
    return np.where(count > 0, own / np.maximum(count, 1), _NEVER)


def _calibrated(joint: npt.NDArray[np.int64], labels: Labels) -> npt.NDArray[np.int64]:
    """Return how many labels of each class are of each other one: rows that sum to the samples of a label."""
    counted = joint.astype(np.float64)
    np.fill_diagonal(counted, np.maximum(counted.diagonal(), 1))  # one label of each class is right
    counted *= (np.bincount(labels, minlength=len(joint)) / counted.sum(1))[:, None]
    np.fill_diagonal(counted, 0)
    return np.rint(counted).astype(np.int64)


def _worst(probs: Array, rows: Rows, label: int, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which samples of a label have the largest p_j − p_label, so many for each class j."""
    mask = np.zeros(len(rows), bool)
    others = np.flatnonzero(counts)
    p = probs[rows].astype(np.float32) if len(others) else np.empty((0, 0), np.float32)
    for other in others:
        gap = p[:, other] - p[:, label]
        last = np.partition(gap, -counts[other])[-counts[other]]
        mask |= gap >= last
    return mask


def _first(ease: _Numbers, known: Rows, count: int) -> npt.NDArray[np.bool_]:
    """Return the samples of least ease, so many of them, and those that tie with the last."""
    if count == 0:
        return np.zeros(len(ease), bool)
    last = np.partition(ease[known], count - 1)[count - 1]
    found: npt.NDArray[np.bool_] = np.isfinite(ease) & (ease <= last)
    return found
