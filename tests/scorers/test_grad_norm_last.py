"""GraNd of the last layer against autograd."""

import numpy as np
import pytest
import torch

from prune.core.errors import OptionError
from prune.scorers.grad_norm_last import grad_norm_last


def test_by_hand():
    # ‖e‖ = 2 and ‖h‖ = √3, so 2·√(1 + 3)
    assert grad_norm_last(np.array([[2.0]]), np.array([[np.sqrt(3)]])).item() == pytest.approx(4)


def test_equals_autograd_of_the_last_linear_layer():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(20, 7, generator=generator, dtype=torch.float64)
    weight = torch.randn(5, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(5, (20,), generator=generator)
    expected = []
    for h, y in zip(features, labels, strict=True):
        loss = torch.nn.functional.cross_entropy((weight @ h + bias)[None], y[None])
        grads = torch.autograd.grad(loss, (weight, bias))
        expected.append(torch.cat([g.flatten() for g in grads]).norm().item())
    probs = torch.softmax(features @ weight.T + bias, 1)
    error = (probs - torch.nn.functional.one_hot(labels, 5)).norm(dim=1).detach().numpy()
    scores = grad_norm_last(error[None], features.norm(dim=1).numpy()[None])
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_certain_and_right_sample_is_zero_however_long_its_features():
    assert grad_norm_last(np.zeros((1, 1)), np.full((1, 1), 6e4)).item() == 0


def test_features_as_long_as_half_precision_allows_stay_finite():
    error, length = np.full((1, 1), 1.4, np.float16), np.full((1, 1), 65504, np.float16)
    assert grad_norm_last(error, length).item() == pytest.approx(float(error[0, 0]) * 65504, rel=1e-6)


def test_takes_both_facts_from_the_same_early_epoch():
    error, length = np.ones((40, 1)), np.arange(1.0, 41)[:, None]
    assert grad_norm_last(error, length).item() == pytest.approx(np.sqrt(1 + 20**2))
    assert grad_norm_last(error, length, epoch=2).item() == pytest.approx(np.sqrt(1 + 2**2))


def test_an_epoch_that_was_not_trained_is_refused():
    with pytest.raises(OptionError, match="epochs 1 to 2, not 3"):
        grad_norm_last(np.ones((2, 4)), np.ones((2, 4)), epoch=3)
