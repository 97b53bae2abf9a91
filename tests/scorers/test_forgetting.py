"""Forgetting on scripted sequences of right and wrong."""

import numpy as np
import pytest

from prune.scorers.forgetting import forgetting, never_learned


def script(*lines):
    return np.array([[float(c) for c in line] for line in lines]).T


@pytest.mark.parametrize(
    ("sequence", "count"),
    [
        ("11111", 0),
        ("00111", 0),  # learned late, and for good
        ("11110", 1),
        ("10101", 2),
        ("01010", 2),
        ("11001", 1),  # wrong twice in a row is forgotten once
        ("00000", 5),  # never learned: above every count
        ("00001", 0),
        ("1", 0),
        ("0", 1),
    ],
)
def test_counts_by_hand(sequence, count):
    assert forgetting(script(sequence)).tolist() == [count]


def test_equals_a_plain_loop():
    right = np.random.default_rng(0).integers(0, 2, (9, 200)).astype(np.float32)
    for n, score in enumerate(forgetting(right)):
        line = right[:, n]
        loop = sum(line[t - 1] == 1 and line[t] == 0 for t in range(1, 9))
        assert score == (loop if line.any() else 9)


def test_the_flag_names_the_never_learned_and_only_them():
    assert never_learned(script("000", "001", "100")).tolist() == [True, False, False]


def test_never_learned_lies_above_every_possible_count_and_means_stay_finite():
    right = script("101010", "000000")
    often, never = forgetting(right)
    assert never > often == 3
    assert np.isfinite(np.mean([forgetting(right), forgetting(1 - right)])).all()


def test_an_unlabelled_sample_stays_nan_and_is_not_called_never_learned():
    right = np.array([[np.nan, 1.0], [np.nan, 0.0]])
    np.testing.assert_array_equal(forgetting(right), [np.nan, 1])
    assert never_learned(right).tolist() == [False, False]


def test_counts_of_a_resumed_run_are_those_of_the_whole():
    right = np.random.default_rng(1).integers(0, 2, (8, 50)).astype(np.float16)
    resumed = np.concatenate([right[:3], right[3:]])
    np.testing.assert_array_equal(forgetting(resumed), forgetting(right))


def test_takes_booleans():
    assert forgetting(np.array([[True, False], [False, False]])).tolist() == [1, 2]
