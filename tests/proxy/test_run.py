from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune.core.arrays import Array
from prune.core.errors import DataError, OptionError, StoreError
from prune.core.progress import SILENT, Advance
from prune.proxy import Trace, Training, grad_norms, run_proxy
from prune.proxy.models import PROXIES
from prune.store import Store

N = 64  # samples in most of these stores

SHORT = Training.of("resnet8", epochs=3, size=16, batch=32, seed=5)


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """A reporter that kills the run after a number of samples."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.said: list[str] = []

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        def advance(done: int) -> None:
            self.left -= done
            if self.left < 0:
                raise Killed

        yield advance

    def say(self, message: str) -> None:
        self.said.append(message)


def columns_of(store: Store) -> dict[str, bytes]:
    root = store.path / "columns"
    files = [p for p in root.rglob("*") if p.is_file() and p.name != "lock"]
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


@pytest.fixture
def few(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> Callable[..., Any]:
    """Some digits in a store of a name."""
    return lambda name="store", **more: made(digits[0][:N], digits[1][:N], name=name, **more)


def run_all(made: Any, training: Training = SHORT, run: int = 0, reporter: Any = SILENT) -> dict[str, str]:
    return grad_norms(*made, training, run, reporter=reporter)


def test_writes_a_trace_features_and_probabilities(few: Callable[..., Any]) -> None:
    store, dataset, images = few(bad={3: "broken"}, rejects={7: "cut"})
    published = grad_norms(store, dataset, images, SHORT)
    assert sorted(published) == ["embedding.proxy", "grad_norm.0", "probs", "trace.0"]
    store.publish(columns=published)
    trace, probs = Trace(store.column("trace.0")), store.column("probs").read()
    assert store.column("trace.0").shape == (3, 9, N)
    assert store.column("embedding.proxy").shape == (N, 128)
    assert np.flatnonzero(np.isnan(trace.fact("loss")).any(0)).tolist() == [3, 7]
    assert np.flatnonzero(np.isnan(probs).any(1)).tolist() == [3, 7]
    assert np.flatnonzero(np.isnan(store.column("grad_norm.0").read())).tolist() == [3, 7]
    np.testing.assert_allclose(np.nansum(probs, 1)[8:], 1, atol=2e-3)
    labels = dataset.labels[8:]
    np.testing.assert_allclose(trace.fact("p_label")[-1, 8:], probs[np.arange(8, N), labels], atol=1e-3)
    h = np.linalg.norm(store.column("embedding.proxy").read()[8:].astype(np.float32), axis=1)
    np.testing.assert_allclose(trace.fact("feature_norm")[-1, 8:], h, rtol=2e-3)
    assert (trace.fact("divergence")[0, 8:] == 0).all()
    assert (trace.fact("divergence")[1:, 8:] > 0).all()
    assert store.column("trace.0").attachments("weights") == [1, 2, 3]
    assert store.column("trace.0").attachments("checkpoint") == []


def test_goes_on_at_the_last_finished_epoch(few: Callable[..., Any]) -> None:
    made = few()
    with pytest.raises(Killed):
        run_proxy(*made, SHORT, reporter=Killer(4 * N + 10))
    counter = Killer(10**9)
    run_proxy(*made, SHORT, reporter=counter)
    # the predictions of epoch 2 again, epoch 3 and its pass, the features
    assert 10**9 - counter.left == N + 2 * N + N


def test_a_damaged_epoch_is_computed_again(few: Callable[..., Any]) -> None:
    made = few()
    run_all(made)
    before = columns_of(made[0])
    part = next((made[0].path / "columns/trace.0").rglob("part-00001-*"))
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    run_all(made)
    assert columns_of(made[0]) == before


def test_the_same_seed_gives_the_same_bytes_and_another_run_others(few: Callable[..., Any]) -> None:
    first, second = few("first"), few("second")
    run_all(first)
    run_all(second)
    assert columns_of(first[0]) == columns_of(second[0])
    run_all(first, run=1)
    column = {run: first[0].path / f"columns/trace.{run}" for run in (0, 1)}
    parts = {run: {p.name for p in folder.rglob("part-*")} for run, folder in column.items()}
    assert parts[0].isdisjoint(parts[1])


def test_a_finished_run_is_not_trained_again(few: Callable[..., Any]) -> None:
    made = few()
    run_all(made)
    run_all(made, reporter=Killer(0))


@pytest.fixture
def dropping(monkeypatch: pytest.MonkeyPatch) -> Training:
    """A network that draws random numbers while it trains."""
    monkeypatch.setitem(
        PROXIES,
        "dropping",
        lambda size, classes: nn.Sequential(
            nn.Flatten(), nn.Linear(3 * size**2, 32), nn.Dropout(), nn.Linear(32, classes)
        ),
    )
    return Training.of("dropping", epochs=2, size=16, batch=32)


def test_global_random_state_is_left_alone(few: Callable[..., Any], dropping: Training) -> None:
    before, numpys = torch.get_rng_state(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    run_all(few(), dropping)
    assert torch.equal(before, torch.get_rng_state())
    assert np.random.get_state()[1].tobytes() == numpys  # noqa: NPY002
    assert torch.is_grad_enabled()


def test_dropout_too_comes_back_after_a_kill(few: Callable[..., Any], dropping: Training) -> None:
    whole, broken = few("whole"), few("broken")
    run_all(whole, dropping)
    with pytest.raises(Killed):
        run_all(broken, dropping, reporter=Killer(2 * N + 40))
    torch.rand(7)
    run_all(broken, dropping)
    assert columns_of(broken[0]) == columns_of(whole[0])


def test_learns_digits(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> None:
    labels: list[int | None] = [y if i < 800 else None for i, y in enumerate(digits[1][:1000])]
    store, dataset, images = made(digits[0][:1000], labels)
    training = Training.of(epochs=4, size=16, flip=False, batch=32)
    store.publish(columns=run_proxy(store, dataset, images, training))
    held_out = store.column("probs").read()[800:].argmax(1)
    assert (held_out == np.array(digits[1][800:1000])).mean() > 0.9
    assert np.isnan(Trace(store.column("trace.0")).fact("error")[:, 800:]).all()


def test_two_hundred_samples_are_enough_to_learn_from(
    digits: tuple[Array, list[int | None]], made: Callable[..., Any]
) -> None:
    labels: list[int | None] = [y if i < 200 else None for i, y in enumerate(digits[1][:400])]
    store, dataset, images = made(digits[0][:400], labels)
    store.publish(columns=run_proxy(store, dataset, images, Training.of(size=16, flip=False)))
    held_out = store.column("probs").read()[200:].argmax(1)
    assert (held_out == np.array(digits[1][200:400])).mean() > 0.8


def test_only_the_first_run_leaves_features_and_probabilities(few: Callable[..., Any]) -> None:
    made = few()
    assert sorted(run_proxy(*made, SHORT, 1)) == ["trace.1"]
    assert sorted(p.name for p in (made[0].path / "columns").iterdir()) == ["images.test", "trace.1"]


def test_a_run_goes_on_only_in_the_precision_it_began_in(
    few: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training.of("mlp", epochs=2, size=16, batch=32)
    made = few()
    published = {}
    for precision in ("float32", "bfloat16"):
        able = {"amx_bf16": precision == "bfloat16"}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able, raising=False)
        with pytest.raises(Killed):
            run_all(made, training, reporter=Killer(2 * N + 10))
        published[precision] = run_all(made, training)
        recipe = made[0].open_column("trace.0", published[precision]["trace.0"]).recipe
        assert (recipe["device"], recipe["precision"]) == ("cpu", precision)
    assert all(published["float32"][name] != identity for name, identity in published["bfloat16"].items())


def test_a_linear_proxy_learns_an_embedding(
    digits: tuple[Array, list[int | None]], made: Callable[..., Any]
) -> None:
    pixels = digits[0][:, 0, ::2, ::2].reshape(-1, 64).astype(np.float16)
    store, dataset, column = made(pixels, digits[1])
    published = grad_norms(store, dataset, column, Training.of("linear", epochs=5))
    store.publish(columns=published)
    assert Trace(store.column("trace.0")).right[-1].mean() > 0.9
    h = store.column("embedding.proxy").read().astype(np.float32)
    last = Trace(store.column("trace.0")).fact("error")[-1] * np.sqrt(1 + np.square(h).sum(1))
    np.testing.assert_allclose(store.column("grad_norm.0").read(), last, rtol=5e-3, atol=0.02)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("proxy", ["resnet8", "mlp"])
def test_tiny_datasets_train(
    digits: tuple[Array, list[int | None]], made: Callable[..., Any], n: int, proxy: str
) -> None:
    store, dataset, images = made(digits[0][:n], digits[1][:n])
    training = Training.of(proxy, epochs=2, size=16, batch=2)
    store.publish(columns=grad_norms(store, dataset, images, training))
    assert np.isfinite(store.column("trace.0").read()).all()
    assert np.isfinite(store.column("grad_norm.0").read()).all()


def test_one_class_trains(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> None:
    store, dataset, images = made(digits[0][:9], [0] * 9)
    store.publish(columns=grad_norms(store, dataset, images, SHORT))
    assert np.isfinite(store.column("trace.0").read()).all()
    assert store.column("probs").shape == (9, 2)


def test_no_label_at_all_is_refused(digits: tuple[Array, list[int | None]], made: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="no usable sample has a label"):
        run_proxy(*made(digits[0][:4], [None] * 4), SHORT)


def test_training_that_diverges_says_so(few: Callable[..., Any]) -> None:
    with pytest.raises(OptionError, match="training diverged at epoch 1") as caught:
        run_proxy(*few(), Training.of("mlp", epochs=3, size=16, batch=8, peak_lr=1e30))
    assert "--lr" in caught.value.hint


def test_an_embedding_that_is_not_finite_is_refused(made: Callable[..., Any]) -> None:
    values = np.ones((4, 3), np.float32)
    values[2, 1] = np.nan
    with pytest.raises(DataError, match="embedding.test holds numbers that are not finite"):
        run_proxy(*made(values, [0, 1, 0, 1]), Training.of("linear"))
    run_proxy(*made(values, [0, 1, 0, 1], rejects={2: "broken"}, name="other"), Training.of("linear"))


def test_a_column_of_another_length_is_refused(few: Callable[..., Any], made: Callable[..., Any]) -> None:
    store, dataset, _ = few()
    _, _, other = made(np.zeros((5, 3, 16, 16), np.uint8), [0] * 5, name="other")
    with pytest.raises(ValueError, match="has 5 rows, but the dataset has 64"):
        run_proxy(store, dataset, other, SHORT)


def test_weights_that_are_not_kept_are_asked_for_in_vain(few: Callable[..., Any]) -> None:
    with pytest.raises(StoreError, match="the weights after epoch 2 are not kept, only those after 3"):
        grad_norms(*few(), SHORT, epoch=2)


def test_gradient_norms_are_those_of_the_early_weights(
    digits: tuple[Array, list[int | None]], made: Callable[..., Any]
) -> None:
    made_ = made(digits[0][:6], digits[1][:6])
    training = Training.of("lenet", epochs=22, size=16, batch=3)
    early = grad_norms(*made_, training)
    late = grad_norms(*made_, training, epoch=22)
    assert early["grad_norm.0"] != late["grad_norm.0"]
    made_[0].publish(columns=late)
    assert made_[0].column("trace.0").attachments("weights") == list(range(1, 23))


def test_networks_that_hooks_cannot_follow_say_so(
    few: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Twice(nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.layer, self.head = nn.Linear(768, 768), nn.Linear(768, classes)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.layer(self.layer(x.flatten(1)).tanh()))

    monkeypatch.setitem(PROXIES, "twice", lambda _, classes: Twice(classes))
    reporter = Killer(10**9)
    grad_norms(*few(), Training.of("twice", epochs=1, size=16), reporter=reporter)
    odd = "layer (Linear): not used exactly once on the whole batch"
    slow = "grad_norm takes a backward pass for every single sample, which is slow"
    assert reporter.said == [f"{odd}: {slow}"]


def test_parts_do_not_change_what_is_learnt(few: Callable[..., Any]) -> None:
    whole, split = few("whole"), few("split", part_rows=7)
    assert whole[2].read().tobytes() == split[2].read().tobytes()
    for made in (whole, split):
        made[0].publish(columns=run_proxy(*made, SHORT))
    first, second = (made[0].column("trace.0").read() for made in (whole, split))
    np.testing.assert_array_equal(first, second)
