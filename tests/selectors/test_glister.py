"""GLISTER against the same thing written out with whole gradients, and on samples that repeat each other."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.gradients import GradientSpace, errors_of
from prune.index.space import EmbeddingSpace
from prune.selectors.glister import glister as with_seed
from prune.selectors.glister import plan_of_glister

glister = functools.partial(with_seed, seed=0)


def _layer(n: int, c: int = 4, d: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, labels and the weights of a softmax layer, bias last."""
    rng = np.random.default_rng(7)
    weights = rng.standard_normal((c, d + 1))
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)).astype(np.float32), rng.integers(0, c, n), weights


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _space(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> GradientSpace:
    probs = _softmax(np.c_[features, np.ones(len(features))] @ weights.T)
    return GradientSpace(errors_of(probs.astype(np.float32), labels), features)


def _gradients(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with_bias = np.c_[features.astype(np.float64), np.ones(len(features))]
    errors = _softmax(with_bias @ weights.T)
    errors[np.arange(len(labels)), labels] -= 1
    return np.einsum("nc,nd->ncd", errors, with_bias)


def _slow(
    pool: tuple, target: tuple, k: int, eta: float, given: list[int], step: str = "mean"
) -> tuple[list[int], list[float]]:
    """Take a real step of the real layer after every pick."""
    gradients, chosen, gains = _gradients(*pool), list(given), []
    for _ in range(k):
        along = getattr(gradients[chosen], step)(0) if chosen else 0.0
        gradient = _gradients(target[0], target[1], target[2] - eta * along).mean(0)
        values = (gradients * gradient).sum((1, 2))
        values[chosen] = -np.inf
        chosen.append(int(values.argmax()))
        gains.append(float(values.max()))
    return chosen[len(given) :], gains


@pytest.mark.parametrize(("eta", "step"), [(0.05, "mean"), (1.0, "mean"), (0.05, "sum")])
@pytest.mark.parametrize("given", [[], [3, 40, 41]])
def test_takes_what_real_steps_of_the_real_layer_take(eta: float, step: str, given: list[int]) -> None:
    pool, target = _layer(700), _layer(60, seed=1)
    rows, gains = _slow(pool, target, 60, eta, given, step)
    known = {"given": np.array(given, np.int64), "target": _space(*target)}
    found = glister(_space(*pool), k=60, eta=eta, step=step, **known)
    assert found.rows.tolist() == rows
    assert found.gains == pytest.approx(gains, abs=1e-5)


def test_without_a_target_it_is_the_loss_of_all_samples() -> None:
    pool = _layer(150)
    space = _space(*pool)
    found = glister(space, k=150)
    assert found.facts["eta"] == pytest.approx(2 / (1 + (pool[0] ** 2).sum(1).mean()))
    assert found.rows.tolist()[:40] == _slow(pool, pool, 40, found.facts["eta"], [])[0]
    assert sorted(found.rows.tolist()) == list(range(150))
    assert glister(space, k=30).rows.tolist() == found.rows.tolist()[:30]


def test_what_is_served_counts_for_less_than_in_the_order_of_the_first_gains() -> None:
    weights = np.zeros((2, 3))
    many, few = np.tile([[2.0, 0]], (10, 1)), np.tile([[0, 1.5]], (5, 1))
    features = np.concatenate([many, few]).astype(np.float32)
    space = _space(features, np.zeros(15, np.int64), weights)
    first = np.argsort(-space.dot(space.sum()), kind="stable")
    assert set(first[:10].tolist()) == set(range(10))  # modular: all of the many before any of the few
    found = glister(space, k=15, eta=5.0).rows.tolist()
    assert found[0] < 10
    assert any(row >= 10 for row in found[:5])


def test_the_bounds_spare_most_samples_a_second_look() -> None:
    pool = _layer(6000)
    found = glister(_space(*pool), k=40, eta=0.1)
    assert found.facts["looked_at"] < 2000
    assert found.rows.tolist() == _slow(pool, pool, 40, 0.1, [])[0]


def test_updates_may_be_rarer_than_picks() -> None:
    space = _space(*_layer(100))
    first = np.argsort(-space.dot(space.sum()), kind="stable")
    assert glister(space, k=20, every=20, eta=1.0).rows.tolist() == first[:20].tolist()
    assert glister(space, k=20, every=3).rows[:3].tolist() == first[:3].tolist()


@pytest.mark.parametrize("step", ["mean", "sum"])
def test_the_best_of_draws_of_all_that_are_left_is_the_best_of_all(step: str) -> None:
    space, given = _space(*_layer(90)), np.array([5, 6])
    words = {"k": 30, "step": step, "every": 3, "given": given}
    found = glister(space, epsilon=1e-13, **words)  # ln(1e13)·88/30 is 88 draws
    assert found.rows.tolist() == glister(space, **words).rows.tolist()
    assert found.facts["looked_at"] == pytest.approx(88 - 14.5)


def test_draws_are_of_the_seed_and_the_best_of_each_is_taken() -> None:
    space = _space(*_layer(600))
    one, two, again = (with_seed(space, k=60, epsilon=0.01, seed=seed) for seed in (1, 2, 1))
    assert one.rows.tolist() == again.rows.tolist() != two.rows.tolist()
    assert len(set(one.rows.tolist())) == 60
    assert one.facts["looked_at"] == 47  # ln(100)·600/60
    best = glister(space, k=60)
    assert one.gains[0] <= best.gains[0]
    drawn = np.random.default_rng(1).choice(600, 47, replace=False, shuffle=False)
    assert one.rows[0] == max(sorted(drawn), key=lambda row: space.dot(space.sum())[row])


def test_along_the_sum_no_class_is_all_that_is_taken() -> None:
    """Nine of ten samples are wrong in one way: along the mean these are taken, along the sum others, too."""
    weights = np.zeros((2, 3))
    features = np.tile([[1.0, 0]], (100, 1)).astype(np.float32)
    features[90:] = [0, 0.9]
    labels = np.r_[np.zeros(90, np.int64), np.ones(10, np.int64)]
    space = _space(features, labels, weights)
    assert glister(space, k=20).rows.max() < 90
    assert glister(space, k=20, step="sum").rows.max() >= 90


def test_samples_without_error_and_without_probability_do_no_harm() -> None:
    errors = np.array([[0, 0], [1, -1], [0, 0], [-0.5, 0.5]], np.float16)
    found = glister(GradientSpace(errors, np.ones((4, 3), np.float16)), k=4)
    assert sorted(found.rows.tolist()) == [0, 1, 2, 3]
    assert np.isfinite(found.gains).all()


def test_what_makes_no_sense_is_refused() -> None:
    space = _space(*_layer(20))
    with pytest.raises(OptionError, match="glister follows the loss, and embeddings have none") as caught:
        glister(EmbeddingSpace(np.ones((9, 2), np.float32)), k=1)
    assert caught.value.hint == "--on gradients"
    with pytest.raises(ValueError, match="cannot keep 20 of 19 samples"):
        glister(space, k=20, given=np.array([4]))
    with pytest.raises(OptionError, match="eta=0 is not a finite number over 0"):
        glister(space, k=1, eta=0)
    with pytest.raises(OptionError, match="step='median' is neither mean nor sum"):
        glister(space, k=1, step="median")
    with pytest.raises(OptionError, match=r"epsilon=0.9 is not in \(0, 0.5\]"):
        glister(space, k=1, epsilon=0.9)
    with pytest.raises(OptionError, match="every=0 is not a number of picks"):
        glister(space, k=1, every=0)
    with pytest.raises(OptionError, match="the target has 4 classes and 5 features, the samples 4 and 6"):
        glister(space, k=1, target=GradientSpace(np.ones((3, 4), np.float32), np.ones((3, 5), np.float32)))


def test_the_plan_counts_updates() -> None:
    from prune.index.resource_plan import Size

    like = Size(n=1000, width=100, memory=1 << 30, gradients=True)
    assert plan_of_glister(like, 100, {"every": 10}).work < plan_of_glister(like, 100, {}).work / 9
