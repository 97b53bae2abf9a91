"""Injected noise: an exact count, never the true class, the same from the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prune.core.errors import DataError, OptionError
from prune.steps import label_noise

LABELS = np.random.default_rng(0).integers(0, 10, 10_000)


@pytest.mark.parametrize("kind", ["symmetric", "pairwise"])
@pytest.mark.parametrize(("rate", "count"), [(0, 0), (0.1, 1000), (0.00005, 1), (0.2, 2000), (1, 10_000)])
def test_exactly_that_many_are_wrong_and_the_mask_says_which(
    kind: label_noise.Kind, rate: float, count: int
) -> None:
    noisy = label_noise.inject(LABELS, rate, kind=kind, seed=3)
    assert noisy.mask.sum() == count
    assert np.array_equal(noisy.labels != LABELS, noisy.mask)
    assert noisy.labels.dtype == LABELS.dtype


def test_symmetric_noise_goes_to_all_other_classes_alike_and_pairwise_to_the_next() -> None:
    noisy = label_noise.inject(LABELS, 0.9)
    shifts = np.bincount((noisy.labels - LABELS)[noisy.mask] % 10, minlength=10)
    assert shifts[0] == 0
    assert (abs(shifts[1:] - 1000) < 5 * np.sqrt(1000)).all()
    paired = label_noise.inject(LABELS, 0.9, kind="pairwise")
    assert set(((paired.labels - LABELS)[paired.mask] % 10).tolist()) == {1}


def test_a_lower_rate_is_a_part_of_a_higher_one_and_seeds_differ() -> None:
    low, high = (label_noise.inject(LABELS, rate, seed=5) for rate in (0.05, 0.2))
    assert (low.mask <= high.mask).all()
    assert np.array_equal(low.labels[low.mask], high.labels[low.mask])
    assert not np.array_equal(low.mask, label_noise.inject(LABELS, 0.05, seed=6).mask)


def test_unlabelled_samples_stay_and_do_not_count() -> None:
    labels = np.array([-1, 3, 3, 7, 7, -1], np.int32)
    noisy = label_noise.inject(labels, 0.5)
    assert noisy.mask.sum() == 2
    assert noisy.labels[[0, 5]].tolist() == [-1, -1]
    assert set(noisy.labels.tolist()) <= {-1, 3, 7}  # classes that occur, numbered as they are


def test_classes_that_do_not_occur_can_be_named() -> None:
    assert label_noise.inject(np.zeros(50, np.int64), 1, classes=3).labels.min() == 1
    with pytest.raises(OptionError, match="labels of 1 classes cannot be confused"):
        label_noise.inject(np.zeros(50, np.int64), 0.1)
    assert not label_noise.inject(np.zeros(0, np.int64), 0.1).mask.any()


def test_the_mask_lies_beside_the_labels(tmp_path: Path) -> None:
    noisy = label_noise.inject(LABELS, 0.1)
    assert noisy.save(tmp_path / "y.npy") == tmp_path / "y.mask.npy"
    back = label_noise.load(tmp_path / "y.npy")
    assert np.array_equal(back.labels, noisy.labels)
    assert np.array_equal(back.mask, noisy.mask)
    np.save(tmp_path / "y.mask.npy", noisy.mask[:5])
    with pytest.raises(DataError, match=r"bool \(5,\), no mask of \(10000,\) labels"):
        label_noise.load(tmp_path / "y.npy")
    with pytest.raises(DataError, match="z.npy cannot be read"):
        label_noise.load(tmp_path / "z")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"rate": 1.1}, OptionError, "a noise rate of 1.1 is not from 0 to 1"),
        ({"rate": 0.1, "kind": "uniform"}, OptionError, "symmetric or pairwise, not 'uniform'"),
        ({"rate": 0.1, "classes": 9}, ValueError, "labels go up to 9, but there are 9 classes"),
        ({"labels": [0.5], "rate": 0.1}, ValueError, "float64"),
    ],
)
def test_noise_that_makes_no_sense(words: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        label_noise.inject(**{"labels": LABELS, **words})


def test_more_classes_than_the_type_can_number_are_refused_not_wrapped() -> None:
    labels = np.zeros(500, np.uint8)
    assert label_noise.inject(labels, 1, classes=256).labels.max() > 200
    with pytest.raises(OptionError, match="labels of type uint8 cannot be 299"):
        label_noise.inject(labels, 1, classes=300)
    assert label_noise.inject(labels.astype(np.int16), 1, classes=300).labels.max() > 255
