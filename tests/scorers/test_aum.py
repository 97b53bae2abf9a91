"""AUM by hand, and as a finder of wrong labels."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from prune.scorers.aum import aum


def test_by_hand():
    margin = np.array([[1.0, -2.0], [3.0, 0.0]])
    assert aum(margin, margin, margin).tolist() == [2, -1]


def test_on_probs_takes_the_lead_in_probability():
    p_label, p_other = np.array([[0.75], [0.5]]), np.array([[0.25], [0.5]])
    assert aum(np.full((2, 1), 9.0), p_label, p_other, on="probs").tolist() == [0.25]


def test_half_precision_margins_are_summed_in_full():
    margin = np.full((3, 1), 60000, np.float16)  # their sum is beyond half precision
    assert aum(margin, margin, margin).item() == np.float16(60000)


def test_finds_one_label_in_ten_that_was_swapped():
    digits = load_digits()
    rng = np.random.default_rng(0)
    swapped = rng.random(len(digits.target)) < 0.1
    labels = np.where(swapped, (digits.target + rng.integers(1, 10, len(swapped))) % 10, digits.target)
    margins = trained_margins(digits.data / 16, labels, epochs=20)
    assert roc_auc_score(swapped, -aum(margins, margins, margins)) >= 0.95


def trained_margins(x, labels, *, epochs):
    """Margins of softmax regression after each epoch of gradient descent."""
    onehot, weight, margins = np.eye(10)[labels], np.zeros((x.shape[1], 10)), []
    for _ in range(epochs):
        logits = x @ weight
        probs = np.exp(logits - logits.max(1, keepdims=True))
        probs /= probs.sum(1, keepdims=True)
        weight -= 2.0 * x.T @ (probs - onehot) / len(x)
        logits = x @ weight
        others = np.where(onehot == 1, -np.inf, logits).max(1)
        margins.append(logits[np.arange(len(x)), labels] - others)
    return np.array(margins)
