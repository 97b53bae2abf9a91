"""The callbacks, in trainings by Lightning and by the Hugging Face Trainer, where these are installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from prune.proxy import Trace
from prune.trace import TraceWriter, numbered

QUIET = pytest.mark.filterwarnings("ignore")  # what these libraries warn of is not ours


@QUIET
def test_lightning_leaves_a_trace_of_every_epoch(
    points: Any, writer: Callable[..., TraceWriter], tmp_path: Path
) -> None:
    pytorch = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    from prune.trace.lightning import TraceCallback

    class Module(pytorch.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = points.net()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x)

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    data = TensorDataset(points.inputs, torch.tensor(points.labels))
    w, module = writer(2), Module()
    trainer = pytorch.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        callbacks=[TraceCallback(w, DataLoader(numbered(data), batch_size=8))],
    )
    trainer.fit(module, DataLoader(data, batch_size=10))
    check(w, module.net, points)


@QUIET
def test_the_hugging_face_trainer_leaves_a_trace_of_every_epoch(
    points: Any, writer: Callable[..., TraceWriter], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from prune.trace.huggingface import TraceCallback

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = points.net()

        def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            found = {"logits": logits}
            return found if labels is None else {"loss": nn.functional.cross_entropy(logits, labels), **found}

    data = [{"x": x, "labels": int(y)} for x, y in zip(points.inputs, points.labels, strict=True)]
    w, model = writer(2), Model()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"),
        num_train_epochs=2,
        per_device_train_batch_size=10,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        remove_unused_columns=False,
    )
    loader = DataLoader(numbered(data), batch_size=8)
    transformers.Trainer(model, arguments, train_dataset=data, callbacks=[TraceCallback(w, loader)]).train()
    check(w, model.net, points)


def check(w: TraceWriter, net: nn.Module, points: Any) -> None:
    trace = Trace(w.store.column("trace.0"))
    assert trace.epochs == 2
    assert np.isfinite(trace.fact("loss")).all()
    assert (trace.fact("divergence")[1] > 0).any()
    net.eval()
    with torch.no_grad():
        expected = net(points.inputs).softmax(1)
    np.testing.assert_allclose(w.store.column("probs").read(), expected, atol=2e-3)


@pytest.mark.parametrize(
    ("name", "absent", "said"),
    [
        ("lightning", ["lightning", "pytorch_lightning"], "pip install lightning"),
        ("huggingface", ["transformers"], "pip install transformers"),
    ],
)
def test_without_the_library_the_import_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, absent: list[str], said: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda what: None if what in absent else found(what))
    monkeypatch.delitem(sys.modules, f"prune.trace.{name}", raising=False)
    with pytest.raises(ImportError, match=said):
        importlib.import_module(f"prune.trace.{name}")
