"""Scores from the user's own training and from a checkpoint, by the command line's function."""

from __future__ import annotations

import importlib
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import prune
from prune.core.errors import DataError, MissingColumnError, OptionError, PruneError, StoreError
from prune.scorers.aum import aum
from prune.store import Store
from prune.trace import TraceWriter, numbered

N = 24
INPUTS = torch.tensor(np.random.default_rng(0).normal(size=(N, 4)), dtype=torch.float32)
LABELS = torch.arange(N) % 2
QUICK = {"proxy": "mlp", "epochs": 1, "size": 8}

CODE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes=2):
        super().__init__()
        self.head = nn.Linear(6, classes)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return self.head(self.body(x).view(len(x), -1))


def net():
    return Net()


def wide():
    return nn.Sequential(Net(5))


def soft():
    return nn.Sequential(Net(), nn.Softmax(1))


def loose():
    torch.manual_seed(0)
    model = nn.Sequential(Net())
    model[0].body[1] = nn.BatchNorm2d(6, track_running_stats=False)
    return model


def grey():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def fails():
    raise KeyError("nothing here")


def leaves():
    raise SystemExit(3)


def text():
    return "a net"
"""


def own(store: Path, epochs: int = 2, **options: Any) -> Store:
    """Observe an untrained and a trained net."""
    with TraceWriter(store, epochs=epochs, labels=LABELS, **options) as writer:
        for epoch in range(epochs):
            with torch.random.fork_rng():
                torch.manual_seed(epoch + 10 * options.get("run", 0))
                net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
            writer.observe(net, DataLoader(numbered(TensorDataset(INPUTS, LABELS)), batch_size=10))
    return writer.store


def test_a_score_reads_the_user_s_trace_and_trains_nothing(tmp_path: Path) -> None:
    store = own(tmp_path / "s")
    said = prune.score(store, types=["aum", "el2n", "forgetting", "prototype"])
    facts = store.column("trace.0").read().astype(np.float32)
    np.testing.assert_array_equal(
        store.column("score.aum").read(), aum(facts[:, 0], facts[:, 2], facts[:, 3])
    )
    assert said["scores"]["aum"]["high"] == "easy"
    assert not any(name.startswith("images.") for name in store.columns)
    chosen = prune.select(store, method="bottom", score="aum", fraction=0.5)
    assert chosen["k"] == N // 2
    again = store.state["columns"]
    prune.score(store, types=["aum"], training={"proxy": "own"})
    assert store.state["columns"] == again


def test_runs_of_one_s_own_are_averaged(tmp_path: Path) -> None:
    own(tmp_path / "s")
    store = own(tmp_path / "s", run=1)
    said = prune.score(store, types=["el2n"])
    runs = [store.column(f"trace.{run}").read()[-1, 5].astype(np.float64) for run in range(2)]
    np.testing.assert_allclose(store.column("score.el2n").read(), np.mean(runs, 0), rtol=1e-6)
    np.testing.assert_allclose(store.column("score.el2n.std").read(), np.std(runs, 0, ddof=1), rtol=1e-5)
    assert -1 <= said["scores"]["el2n"]["between_runs"] <= 1


def test_what_a_trace_of_one_s_own_cannot_give(tmp_path: Path) -> None:
    store = own(tmp_path / "s", 1)
    for types, kind, message in (
        (["grad_norm"], MissingColumnError, "grad_norm needs the network, and your own training"),
        (
            ["forgetting"],
            OptionError,
            r"forgetting compares epochs, and your own training \(1 epoch\) has one",
        ),
        (["input_norm"], DataError, "24 samples are known by their keys alone"),
    ):
        with pytest.raises(kind, match=message):
            prune.score(store, types=types)
    with pytest.raises(OptionError, match="--runs 3: there is no proxy to train: scores come from your own"):
        prune.score(store, types=["el2n"], runs=3)
    with pytest.raises(OptionError, match="--epochs 5 --no-flip: there is no proxy to train") as caught:
        prune.score(store, types=["el2n"], training={"epochs": 5, "flip": False})
    assert "--proxy resnet8 trains a proxy" in caught.value.hint
    with pytest.raises(MissingColumnError, match="nonsense"):
        prune.score(store, types=["el2n"], on="nonsense")
    with pytest.raises(DataError, match="known by their keys alone"):
        prune.score(store, types=["el2n"], training={"proxy": "resnet8"})
    assert store.unfinished == []
    assert store.unfinished == []


def test_a_proxy_that_is_named_takes_over_and_own_insists(images: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    with pytest.raises(MissingColumnError, match="has no trace of a training of yours"):
        prune.score(store, str(images), types=["el2n"], training={"proxy": "own"})
    with TraceWriter(store, epochs=1, data=str(images)) as writer, writer.epoch():
        writer.record(np.arange(40), torch.zeros(40, 2))
    mine = store.state["columns"]["trace.0"]
    prune.score(store, types=["el2n"])
    assert (store.column("score.el2n").read() == np.float32(np.float16(0.5**0.5))).all()
    (images / "left" / "000.png").unlink()
    with pytest.raises(StoreError, match="stale: the dataset changed since your own training looked at it"):
        prune.score(store, types=["el2n"])
    prune.score(store, types=["el2n"], training=QUICK)
    assert store.state["columns"]["trace.0"] != mine


def test_samples_that_a_partial_trace_lacks_get_no_score(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "s", epochs=1, labels=[0, 1, 0], partial=True) as writer, writer.epoch():
        writer.record([0, 1], torch.eye(2))
    prune.score(writer.store, types=["el2n"])  # partial=True has said that they may be missing
    assert np.isnan(writer.store.column("score.el2n").read()).tolist() == [False, False, True]
    assert prune.select(writer.store, method="top", score="el2n", fraction=1)["k"] == 2


@pytest.fixture
def model(elsewhere: Path) -> Path:
    (elsewhere / "nets.py").write_text(CODE)
    space: dict[str, Any] = {}
    exec(CODE, space)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = space["net"]().state_dict()
    safetensors.torch.save_file(state, elsewhere / "w.safetensors")
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, elsewhere / "w.pt")
    return elsewhere


def score(images: Path, model: Path, file: str, factory: str, **options: Any) -> Store:
    store, more = Store(model / "s"), {"mean": options.pop("mean", None), "std": options.pop("std", None)}
    types, training = options.pop("types", ["el2n"]), options.pop("training", {"size": 8})
    checkpoint = {"file": file, "factory": factory, **more}
    prune.score(store, str(images), types=types, training=training, checkpoint=checkpoint, **options)
    return store


def test_a_checkpoint_scores_as_autograd_says(images: Path, model: Path) -> None:
    types = ["el2n", "margin", "grad_norm", "grad_norm_last", "aum", "deepfool"]
    given: dict[str, Any] = {"types": types, "mean": "0.5", "std": "0.25"}
    store = score(images, model, "w.safetensors", "nets:net", **given)
    space: dict[str, Any] = {}
    exec(CODE, space)
    net = space["net"]().eval()
    net.load_state_dict(safetensors.torch.load_file(model / "w.safetensors"))
    pixels = (torch.tensor(store.column("images.8").read()).float() / 255 - 0.5) / 0.25
    labels = torch.tensor(store.dataset.labels).long()
    for row in (0, 39):
        logits = net(pixels[row : row + 1])
        loss = nn.functional.cross_entropy(logits, labels[row : row + 1])
        whole = torch.autograd.grad(loss, list(net.parameters()))
        last = (whole[0], whole[1])  # the head is defined first
        error = (logits.softmax(1)[0] - nn.functional.one_hot(labels[row], 2)).norm()
        for name, expected, close in (
            ("el2n", error, 2e-3),
            ("grad_norm", torch.cat([g.flatten() for g in whole]).norm(), 1e-4),
            ("grad_norm_last", torch.cat([g.flatten() for g in last]).norm(), 3e-3),
        ):
            found = store.column(f"score.{name}").read()[row]
            np.testing.assert_allclose(found, expected.item(), rtol=close, err_msg=name)
    before = store.state["columns"]
    again = score(images, model, "w.pt", "nets.py:net", **given)  # other bytes: computed again, the same
    np.testing.assert_array_equal(
        again.column("score.el2n").read(), Store.open_column(store, "score.el2n", before["score.el2n"]).read()
    )
    score(images, model, "w.safetensors", "nets:net", **given)
    assert store.state["columns"] == before
    prune.score(store, types=["entropy"])  # from the trace that is there
    shutil.copytree(images / "left", images.parent / "other" / "left")
    with pytest.raises(StoreError, match="a model of yours"):
        prune.select(store, method="gio", on="proxy", target=str(images.parent / "other"), count=2)


def test_weights_that_could_hold_code_are_never_run(images: Path, model: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return (Path.touch, (model / "ran",))

    (model / "evil.pt").write_bytes(pickle.dumps(Evil()))
    torch.save(nn.Linear(2, 2), model / "whole.pt")
    for file in ("evil.pt", "whole.pt"):
        with pytest.raises(OptionError, match="not a plain state dict: reading it may run code"):
            score(images, model, file, "nets:net")
    assert not (model / "ran").exists()


@pytest.mark.parametrize(
    ("file", "factory", "message"),
    [
        ("none.pt", "nets:net", "there is no file none.pt"),
        ("w.pt", "nets", "--model nets names no factory"),
        ("w.pt", "nothing:net", "cannot be imported: ModuleNotFoundError"),
        ("w.pt", "none.py:net", "cannot be imported: FileNotFoundError: there is no file none.py"),
        ("w.pt", "nets:other", "nets has no function 'other'"),
        ("w.pt", "nets:fails", "nets:fails failed: KeyError: 'nothing here'"),
        ("w.pt", "nets:leaves", "nets:leaves failed: SystemExit: 3"),
        ("w.pt", "nets:text", "returned a str, not a torch.nn.Module"),
        ("w.pt", "nets:wide", r"w.pt does not fit the model: it lacks .* and has unexpected"),
        ("w0.pt", "nets:wide", "gives 5 numbers a sample, the dataset has 2 classes"),
        ("w0.pt", "nets:soft", "last linear layer of Sequential cannot be found"),
        ("w0.pt", "nets:loose", "depends on the other samples of its batch"),
        ("w0.pt", "nets:grey", "cannot take samples of 3 × 8 × 8: RuntimeError"),
    ],
)
def test_models_that_do_not_fit(images: Path, model: Path, file: str, factory: str, message: str) -> None:
    if file == "w0.pt":
        space: dict[str, Any] = {}
        exec(CODE, space)
        torch.save(space[factory.partition(":")[2]]().state_dict(), model / file)
    with pytest.raises(OptionError, match=message):
        score(images, model, file, factory)


def test_words_that_do_not_go_together(images: Path, model: Path) -> None:
    for message, given in (
        ("forgetting compares epochs, and a checkpoint has one", {"types": ["forgetting"]}),
        ("--checkpoint takes the place of --proxy resnet8", {"training": {"proxy": "resnet8"}}),
        ("input_norm needs no model", {"types": ["input_norm"]}),
        ("--std 0 is not over 0", {"std": "0"}),
        ("--mean 1,2 is not a number, or three", {"mean": "1,2"}),
        ("--runs 2: there is no proxy to train", {"runs": 2}),
    ):
        with pytest.raises(OptionError, match=message):
            score(images, model, "w.pt", "nets:net", **given)  # type: ignore[arg-type]
    for checkpoint in ({"factory": "a:b"}, {"file": "w.pt"}, {"mean": "0"}):
        with pytest.raises(PruneError, match="--model|--mean 0 belongs"):
            prune.score(Store("s"), str(images), types=["el2n"], checkpoint=checkpoint)


def test_code_that_changed_in_another_file_is_another_model(
    images: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(model))
    (model / "outer.py").write_text(
        "import inner\nfrom nets import Net\n\n\nclass Outer(Net):\n"
        "    def forward(self, x):\n        return super().forward(inner.act(x))\n"
    )
    found = []
    for act in ("x", "x * x + 100"):
        (model / "inner.py").write_text(f"def act(x):\n    return {act}\n")
        for name in ("outer", "inner", "nets"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        shutil.rmtree(model / "__pycache__", ignore_errors=True)
        found.append(score(images, model, "w.pt", "outer:Outer").state["columns"]["trace.0"])
    assert found[0] != found[1]


def test_runs_of_unequal_length_are_not_averaged_without_a_word(tmp_path: Path) -> None:
    own(tmp_path / "s", 4)
    store = own(tmp_path / "s", 2, run=1)
    with pytest.raises(OptionError, match="have 4 and 2 epochs: no mean of their aum, entropy") as caught:
        prune.score(store, types=["aum", "entropy"])
    assert "--type aum,entropy --set last=2 --set epoch=2 " in caught.value.hint
    prune.score(store, types=["aum", "entropy"], options=["last=2", "epoch=2"])
    first, second = (store.column(f"trace.{run}").read()[:2].astype(np.float64) for run in range(2))
    expected = (first[:, 0].mean(0) + second[:, 0].mean(0)) / 2
    np.testing.assert_allclose(store.column("score.aum").read(), expected, rtol=1e-5, atol=1e-6)
    prune.score(store, types=["prototype"])  # looks at no epochs


@pytest.mark.parametrize("labels", [["x", None] * 6, [None] * 12])
def test_scores_that_look_at_no_label_take_samples_without_one(tmp_path: Path, labels: list[Any]) -> None:
    numbers = torch.Generator().manual_seed(0)
    names = [str(i) for i in range(12)]
    with TraceWriter(tmp_path / "s", epochs=3, keys=names, labels=labels, classes=["x", "y"]) as writer:
        for _ in range(3):
            with writer.epoch():
                logits, features = (torch.randn(12, width, generator=numbers) for width in (2, 4))
                writer.record(names, logits, features=features)
    types = ["entropy", "margin", "tdds", "cal", "density", "prototype"]
    prune.score(writer.store, types=types)
    assert all(np.isfinite(writer.store.column(f"score.{name}").read()).all() for name in types)
    with pytest.raises(DataError, match="aum needs labels, and (6 of 12 samples have none|none has one)"):
        prune.score(writer.store, types=["aum"])
