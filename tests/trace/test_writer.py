"""The trace of a user's own training: the proxy's numbers, whatever the order, the kill or the mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import prune
from prune.core.errors import DataError, OptionError, StoreError
from prune.proxy import Trace, Training
from prune.proxy.evaluate import Observer
from prune.proxy.inputs import Inputs
from prune.proxy.train import Trainer
from prune.store import Store
from prune.trace import TraceWriter, numbered, own_traces
from prune.trace.columns import TraceColumns

Make = Callable[..., TraceWriter]


def quiet(done: int) -> None:
    """Hear how far a pass is."""


def published(store: Store) -> dict[str, np.ndarray]:
    return {name: store.column(name).read() for name in store.columns}


def test_a_proxy_observed_leaves_the_proxy_s_own_trace(images: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    prune.score(store, str(images), types=["input_norm"], training={"size": 16})
    dataset, labels = store.dataset, store.dataset.labels.astype(np.int64)
    training = Training.of("mlp", epochs=3, size=16)
    inputs = Inputs(store.column("images.16"), dataset, torch.device("cpu"))
    trainer, observer = Trainer(inputs, training, 0), Observer(inputs)
    writer = TraceWriter(store, epochs=3)

    def loader() -> Any:  # the batches of the proxy's own pass: the same sums in the same order
        for rows in [np.arange(40)]:
            yield inputs.normalise(inputs.take(rows)), torch.tensor(labels)[rows], rows

    for epoch in range(1, 4):
        trainer.epoch(epoch, quiet)
        expected = observer.look(trainer.model, epoch, quiet)[0]
        writer.observe(trainer.model, loader())
        np.testing.assert_array_equal(
            writer._columns.trace.read_part(epoch - 1)[0].view(np.uint16), expected.view(np.uint16)
        )
    writer.close()
    assert Trace(store.column("trace.0")).epochs == 3
    assert store.column("embedding.proxy").shape == (40, 256)
    np.testing.assert_allclose(store.column("probs").read().astype(np.float32).sum(1), 1, atol=2e-3)


def test_neither_order_nor_batches_nor_how_samples_are_named_matter(
    points: Any, writer: Make, tmp_path: Path
) -> None:
    net = points.net()
    found = []
    for run, (by, size) in enumerate([("keys", 7), ("rows", 30), ("keys", 1)]):
        shuffled = np.random.default_rng(run).permutation(30)
        with writer(1, run=run) as w:
            w.observe(net, points.batches(shuffled, by=by, size=size))
        found.append(Store(tmp_path / "store").column(f"trace.{run}").read())
    np.testing.assert_allclose(found[0].astype(np.float32), found[1], rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(found[0].astype(np.float32), found[2], rtol=2e-3, atol=1e-3)
    assert own_traces(Store(tmp_path / "store")).runs == 3


def test_the_model_is_seen_in_evaluation_mode_and_left_as_it_was(points: Any, writer: Make) -> None:
    net = points.net()
    net[1].eval()  # frozen by the user
    net[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with writer(2) as w:
        w.observe(net, points.batches())
        w.observe(net, points.batches())
    assert [m.training for m in net] == [True, False, True, True, True]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    trace = Trace(Store(w.store.path).column("trace.0"))
    assert (trace.fact("divergence") == 0).all()  # dropout would make the two passes differ


def test_facts_by_hand_through_record(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "s", epochs=1, labels=[0, 1])
    with writer.epoch():
        writer.record([1], torch.tensor([[2.0, 0.0]]))
        writer.record(["0"], torch.tensor([[0.0, -1.0]]), labels=[0], features=torch.tensor([[3.0, 4.0]]))
    writer.close()
    trace = Trace(Store(tmp_path / "s").column("trace.0"))
    assert trace.fact("margin")[0].tolist() == [1.0, -2.0]
    assert trace.fact("feature_norm")[0, 0] == 5
    assert np.isnan(trace.fact("feature_norm")[0, 1])
    assert "embedding.proxy" not in Store(tmp_path / "s").columns  # a batch came without features


def test_killed_and_resumed_is_the_same_trace(points: Any, writer: Make, tmp_path: Path) -> None:
    def train(make: Make, stop: int | None = None, **options: Any) -> Store:
        w = make(4, **options)
        net = points.net()
        for epoch in range(1, 5):
            points.train(net, epoch)  # stands for a checkpoint: the net goes through the same states
            if epoch < w.next_epoch:
                continue
            w.observe(net, points.batches())
            if epoch == stop:
                return w.store
        w.close()
        return w.store

    whole = published(train(writer))

    def elsewhere(epochs: int, **options: Any) -> TraceWriter:
        return TraceWriter(tmp_path / "b", epochs=epochs, keys=points.keys, labels=points.labels, **options)

    for stop in (1, 4):
        store = train(elsewhere, stop)
        assert "trace.0" in store.unfinished
        resumed = published(train(elsewhere, resume=True))
        assert resumed.keys() == whole.keys()
        for name, values in whole.items():
            np.testing.assert_array_equal(resumed[name], values, name)


def test_a_training_may_go_back_by_an_epoch_but_not_further(points: Any, writer: Make) -> None:
    net = points.net()
    w = writer(5)
    seen = []
    for epoch in (1, 2, 3):
        points.train(net, epoch)
        w.observe(net, points.batches())
        seen.append(w._columns.trace.read_part(epoch - 1))
    w = writer(5, resume=True)
    assert w.next_epoch == 4
    w.observe(net, points.batches(), epoch=3)  # its checkpoint was that of epoch 2
    np.testing.assert_array_equal(w._columns.trace.read_part(2), seen[2])
    assert w.next_epoch == 4
    with pytest.raises(
        StoreError, match="cannot go on after epoch 1: it keeps the predictions of the last 2"
    ):
        w.observe(net, points.batches(), epoch=2)
    w.observe(net, points.batches(), epoch=1)  # from the beginning is always possible
    assert w.next_epoch == 2
    with pytest.raises(OptionError, match="epoch 4 cannot follow: the trace has 1 of 5"):
        w.observe(net, points.batches(), epoch=4)


def test_anew_removes_what_was_not_finished_and_keeps_what_was(points: Any, writer: Make) -> None:
    net = points.net()
    with writer(1) as w:
        w.observe(net, points.batches())
    first = w.store.state["columns"]["trace.0"]
    writer(2).observe(net, points.batches())
    again = writer(1)
    assert again.next_epoch == 1
    again.observe(net, points.batches())
    again.close()
    assert w.store.state["columns"]["trace.0"] != first
    assert {p.name for p in (w.store.path / "columns" / "trace.0").iterdir()} >= {first}
    assert again.store.unfinished == []
    with pytest.raises(OptionError, match="trace.0 is finished, with 1 epochs"):
        writer(1, resume=True).observe(net, points.batches())


def test_stopping_early_is_said_and_keeps_the_last_features(points: Any, writer: Make) -> None:
    net = points.net()
    w = writer(9)
    with pytest.raises(OptionError, match="has 0 of 9 epochs"):
        w.close(early=True)
    w.observe(net, points.batches())
    with pytest.raises(OptionError, match="has 1 of 9 epochs"):
        w.close()
    assert w.close(early=True)["epochs"] == 1
    assert w.store.column("trace.0").shape == (1, 9, 30)
    assert w.store.column("embedding.proxy").shape == (30, 8)


def test_an_exception_in_the_block_publishes_nothing(points: Any, writer: Make) -> None:
    def interrupted() -> None:
        with writer(1) as w:
            w.observe(points.net(), points.batches())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "trace.0" not in Store(writer(1).store.path).columns


def bad(points: Any, w: TraceWriter, rows: Any, **kinds: Any) -> None:
    w.observe(points.net(), points.batches(rows), **kinds)


def test_missing_and_repeated_samples_are_errors_with_counts(points: Any, writer: Make) -> None:
    w = writer(1)
    with pytest.raises(DataError, match=r"epoch 1 lacks 2 samples \('s/28', 's/29'\) of 30"):
        bad(points, w, range(28))
    with pytest.raises(DataError, match=r"epoch 1 has 2 samples \('s/00', 's/01'\) more than once"):
        bad(points, w, [*range(30), 0, 1])
    with pytest.raises(DataError, match="epoch 1 has no sample"):
        bad(points, w, [])
    assert w.next_epoch == 1
    bad(points, w, range(30))  # the mistakes left nothing
    w.close()


def test_partial_leaves_the_missing_out(points: Any, writer: Make) -> None:
    with writer(2, partial=True) as w:
        bad(points, w, range(29))
        bad(points, w, range(1, 30))
    own = own_traces(w.store)
    assert own.rejects == dict.fromkeys([29, 0], "not in the trace of your own training")
    assert np.isnan(Trace(w.store.column("trace.0")).fact("loss")[0, 29])


def test_labels_keys_and_outputs_that_do_not_fit(points: Any, writer: Make) -> None:
    w = writer(1)
    net = points.net()
    labels = torch.tensor(points.labels)
    swapped = [(points.inputs, (labels + 1) % 3, points.keys)]
    with pytest.raises(
        DataError, match="30 of 30 labels differ from those of the dataset: of 's/00' it has 0"
    ):
        w.observe(net, swapped)
    with pytest.raises(DataError, match=r"the dataset has no 1 key \('x'\)"):
        w.observe(net, [(points.inputs[:1], None, ["x"])])
    with pytest.raises(DataError, match=r"30 samples, so no 1 row \(30\)"):
        w.observe(net, [(points.inputs[:1], None, [30])])
    with pytest.raises(OptionError, match="keys or rows, not by float64"):
        w.observe(net, [(points.inputs[:1], None, [0.5])])
    with pytest.raises(OptionError, match=r"shape \(30, 2\); the dataset has 3 classes: want \(30, 3\)"):
        w.observe(nn.Linear(4, 2), [(points.inputs, None, points.keys)])
    with pytest.raises(OptionError, match=r"logits of 1 sample \('s/03'\) are not finite"):
        w.observe(
            net, [(points.inputs.clone().index_fill_(0, torch.tensor([3]), torch.nan), None, points.keys)]
        )
    with pytest.raises(OptionError, match="the loader yields 2 things"):
        w.observe(net, [(points.inputs, labels)])
    with pytest.raises(OptionError, match=r"have no key or row \(they have: x\)"):
        w.observe(net, [{"x": points.inputs}])
    with pytest.raises(ValueError, match="record wants an open epoch"):
        w.record([0], torch.zeros(1, 3))


def test_a_head_that_cannot_be_found_is_a_sentence_and_can_be_named(points: Any, writer: Make) -> None:
    class Flat(nn.Module):  # the head is defined first, and its output is not what comes out
        def __init__(self) -> None:
            super().__init__()
            self.head, self.body = nn.Linear(8, 3), nn.Linear(4, 8)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.head(self.body(x)) * 2}

    w = writer(1)
    with pytest.raises(OptionError, match="last linear layer of Flat cannot be found"):
        w.observe(Flat(), points.batches())
    with pytest.raises(OptionError, match="of Conv cannot be found: it has no linear layer"):
        w.observe(type("Conv", (nn.Identity,), {})(), [(points.inputs[:, :3], None, points.keys)])
    net = Flat()
    w.observe(net, points.batches(), head=net.head)
    w.close()
    np.testing.assert_allclose(
        w.store.column("embedding.proxy").read(), net.body(points.inputs).detach(), atol=0.02
    )
    with writer(1) as bare:
        bare.observe(net, points.batches(), head=None)
    assert "embedding.proxy" not in bare.store.columns
    assert "probs" in bare.store.columns


def test_a_head_defined_before_the_body_is_found(points: Any, writer: Make) -> None:
    class Upside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.body = nn.Linear(8, 3), nn.Linear(4, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x))

    with writer(1) as w:
        w.observe(Upside(), points.batches())
    assert w.store.column("embedding.proxy").shape == (30, 8)


def test_outputs_in_another_order_are_put_right(points: Any, tmp_path: Path) -> None:
    class Order(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    logits = torch.eye(3) * 4  # sample i is of the model's class i
    ours, theirs = ["a", "b", "c"], ["c", "a", "b"]
    TraceWriter(tmp_path / "s", epochs=1, labels=theirs)  # the store sorts names
    with TraceWriter(tmp_path / "s", epochs=1, classes=theirs) as w:
        w.observe(Order(), [(logits, torch.arange(3), torch.arange(3))], head=None)
    assert w.dataset.classes == ours
    assert (Trace(w.store.column("trace.0")).fact("margin") == 4).all()
    assert w.store.column("probs").read().argmax(1).tolist() == [2, 0, 1]
    with pytest.raises(OptionError, match="they differ in 2 names"):
        TraceWriter(tmp_path / "s", epochs=1, classes=["a", "b", "x"])


def test_unlabelled_samples_have_predictions_but_no_margin(tmp_path: Path) -> None:
    w = TraceWriter(tmp_path / "s", epochs=1, keys=["a", "b", "c"], labels=["x", None, "y"])
    with w.epoch():
        w.record(["a", "b", "c"], torch.eye(3)[:, :2], labels=[0, -1, 1])
    w.close()
    trace = Trace(w.store.column("trace.0"))
    assert np.isnan(trace.fact("margin")[0]).tolist() == [False, True, False]
    assert np.isfinite(trace.fact("entropy")).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keys": ["a", "a"], "labels": [0, 1]}, r"1 key \('a'\) stand more than once"),
        ({"keys": ["a"], "labels": [0, 1]}, "there are 1 keys, but 2 labels"),
        ({"keys": [1, 2], "labels": [0, 1]}, "keys are text"),
        ({"keys": ["a\n", "b"], "labels": [0, 1]}, "cannot be a key: the key holds a line break"),
        ({"keys": ["é", "e\u0301"], "labels": [0, 1]}, "1 keys cannot be used: 'e\u0301'"),
        ({"keys": [], "labels": []}, "no keys and no labels"),
        ({"labels": [0, 5], "classes": ["a", "b"]}, "label 5 has no name among 2 classes"),
        ({"labels": ["a", "z"], "classes": ["a", "b"]}, r"1 label \('z'\) is not one of the classes: a, b"),
        ({"labels": [0, 1], "data": "x"}, "data, and keys or labels"),
        ({"labels": [0, 1], "run": -1}, "run is -1"),
    ],
)
def test_data_that_cannot_be_described(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, OptionError), match=message):
        TraceWriter(tmp_path / "s", **{"epochs": 1, **given})


def test_another_dataset_or_none_in_the_store(
    points: Any, writer: Make, images: Path, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        TraceWriter(tmp_path / "none", epochs=1)
    store = TraceWriter(tmp_path / "scanned", epochs=1, data=str(images)).store
    with pytest.raises(StoreError, match="holds a dataset that was read from files"):
        TraceWriter(store, epochs=1, labels=[0, 1, 0])
    w = writer(1)
    w.store.publish(dataset=w.store.write_dataset(store.dataset))
    with pytest.raises(StoreError, match="stale: .* holds another dataset since this training began"):
        bad(points, w, None)


def test_two_trainings_of_one_run_do_not_mix(points: Any, writer: Make) -> None:
    one = writer(3)
    bad(points, one, None)
    two = writer(3)
    bad(points, two, None)
    bad(points, two, None)
    with pytest.raises(StoreError, match="another training writes trace.0"):
        bad(points, one, None)


def test_damaged_predictions_are_not_gone_on_from(points: Any, writer: Make) -> None:
    bad(points, writer(3), None)
    columns: TraceColumns = writer(3, resume=True)._columns
    next(columns.trace.folder.glob("previous-*")).write_bytes(b"x")
    with pytest.raises(StoreError, match="cannot go on after epoch 1"):
        bad(points, writer(3, resume=True), None)


def test_numbered_gives_every_sample_its_row(points: Any) -> None:
    pairs = torch.utils.data.TensorDataset(points.inputs, torch.tensor(points.labels))
    assert numbered(pairs)[7][1:] == (torch.tensor(1), 7)
    assert numbered([{"x": 1}])[0] == {"x": 1, "row": 0}
    assert len(numbered(pairs)) == 30


def test_labels_from_tables_are_class_ids(tmp_path: Path) -> None:
    w = TraceWriter(tmp_path / "s", epochs=1, labels=[10.0, None, 2, 9])
    assert w.dataset.labels.tolist() == [10, -1, 2, 9]
    with pytest.raises(OptionError, match="label 900000 of 2 samples") as caught:
        TraceWriter(tmp_path / "t", epochs=1, labels=[0, 900_000])
    assert "give classes=" in caught.value.hint


def test_refused_labels_leave_the_store_as_it_was(tmp_path: Path) -> None:
    TraceWriter(tmp_path / "s", epochs=1, labels=[0, 1, 0])
    with pytest.raises(StoreError, match="holds another dataset") as caught:
        TraceWriter(tmp_path / "s", epochs=1, labels=[0, 1, 1])
    assert "use another store" in caught.value.hint
    TraceWriter(tmp_path / "s", epochs=1, labels=[0, 1, 0])


def test_observing_draws_nothing_from_the_training_s_random_numbers(points: Any, writer: Make) -> None:
    w, before = writer(1), torch.get_rng_state()
    bad(points, w, None)
    assert torch.equal(before, torch.get_rng_state())
