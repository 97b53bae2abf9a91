"""Confident learning: counts by hand, a slow oracle, planted errors, what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core import confident_learning
from prune.core.confident_learning import confident_doubt


def planted(n: int, classes: int, wrong: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictions that know the true class, labels of which some are wrong, and which they are."""
    rng = np.random.default_rng(seed)
    true = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes)) + 4 * np.eye(classes)[true]
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels, mask = true.copy(), np.zeros(n, bool)
    mask[rng.choice(n, wrong, replace=False)] = True
    labels[mask] = (true[mask] + 1) % classes
    return probs, labels, mask


def test_counts_by_hand() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.25, 0.75]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    found = confident_doubt(probs, labels)
    # thresholds: class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.8 + 0.7 + 0.75) / 3 = 0.75
    np.testing.assert_array_equal(found.joint, [[2, 1], [0, 2]])  # row 4 reaches neither
    assert found.expected == 1  # a third of three labels
    assert found.agree == 5 / 6
    np.testing.assert_array_equal(np.flatnonzero(found.mask), [2])
    np.testing.assert_array_equal(found.likely, [1, 1, 1, 0, 0, 0])
    np.testing.assert_allclose(found.ease, [0.9, 0.8, 0.1, 0.8, 0.7, 0.75], atol=1e-8)


def test_the_joint_is_that_of_a_loop() -> None:
    probs, labels, _ = planted(300, 4, 40, seed=1)
    thresholds = [probs[labels == c, c].mean() for c in range(4)]
    joint = np.zeros((4, 4), int)
    for p, label in zip(probs, labels, strict=True):
        reached = [c for c in range(4) if p[c] >= thresholds[c] - 1e-6]
        if reached:
            joint[label, max(reached, key=lambda c: p[c])] += 1
    np.testing.assert_array_equal(confident_doubt(probs, labels).joint, joint)


def test_planted_errors_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    probs, labels, wrong = planted(2000, 5, 200, seed=0)
    found = confident_doubt(probs, labels)
    assert found.mask[wrong].mean() > 0.9
    assert wrong[found.mask].mean() > 0.9
    assert ((found.likely + 1) % 5 == labels)[wrong & found.mask].mean() > 0.95  # the true class
    monkeypatch.setattr(confident_learning, "_BLOCK", 7)
    blocks = confident_doubt(probs, labels)
    np.testing.assert_array_equal(blocks.mask, found.mask)
    np.testing.assert_array_equal(blocks.joint, found.joint)


def test_clean_labels_are_left_alone() -> None:
    labels = np.repeat(np.arange(3), 20)
    found = confident_doubt(np.eye(3)[labels] * 0.9 + 0.1 / 3, labels)
    assert (found.expected, found.mask.any()) == (0, False)


def test_the_order_of_samples_and_ties_do_not_matter() -> None:
    probs, labels, _ = planted(500, 3, 60, seed=3)
    probs = probs.astype(np.float16)
    order = np.random.default_rng(0).permutation(500)
    found, shuffled = confident_doubt(probs, labels), confident_doubt(probs[order], labels[order])
    np.testing.assert_array_equal(found.mask[order], shuffled.mask)
    doubled = confident_doubt(np.concatenate([probs, probs]), np.concatenate([labels, labels]))
    np.testing.assert_array_equal(doubled.mask[:500], doubled.mask[500:])  # all that tie with the last


def test_of_what_is_unknown_nothing_is_said() -> None:
    probs, labels, _ = planted(400, 3, 40, seed=4)
    probs[5], labels[7] = np.nan, -1
    found = confident_doubt(probs, labels)
    rest = np.setdiff1d(np.arange(400), [5, 7])
    np.testing.assert_array_equal(found.mask[rest], confident_doubt(probs[rest], labels[rest]).mask)
    assert not found.mask[[5, 7]].any()
    np.testing.assert_array_equal(found.likely[[5, 7]], [-1, -1])
    assert np.isnan(found.ease[[5, 7]]).all()
    nothing = confident_doubt(np.full((4, 2), np.nan), np.array([0, 1, 0, 1]))
    assert (nothing.expected, nothing.mask.any()) == (0, False)


def test_a_class_without_samples_counts_for_nobody() -> None:
    probs = np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7], [0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    found = confident_doubt(probs, np.array([0, 0, 1, 1]))
    assert found.joint[:, 2].sum() == 0


def test_a_label_that_no_prediction_is_for_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 labels up to 2, but probs is \(2, 2\)"):
        confident_doubt(np.full((2, 2), 0.5), np.array([0, 2]))
