"""The Hugging Face Trainer: it trains on what is chosen, and its checkpoints know what that was."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from prune.loaders import AdaptiveSampler

N, K, EPOCHS = 60, 12, 6
QUIET = pytest.mark.filterwarnings("ignore")  # what these libraries warn of is not ours


class Records(Dataset[Any]):
    """Three classes around three points, as records that know their row."""

    def __init__(self) -> None:
        labels = np.arange(N) // 20
        points = np.random.default_rng(0).normal(size=(N, 4)) + 2 * labels[:, None]
        self.inputs, self.labels = torch.tensor(points).float(), labels.tolist()

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"x": self.inputs[row], "labels": self.labels[row], "row": int(row)}


class Rows(nn.Module):
    """A network that notes which rows it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        self.seen: list[int] = []

    def forward(self, x: Tensor, row: Tensor) -> dict[str, Tensor]:
        if self.training:
            self.seen += row.tolist()
        return {"logits": self.net(x)}


def trainer_of(folder: Path, **more: Any) -> Any:
    """Return a Trainer of `Rows`, whose samples are chosen anew every second epoch."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from prune.loaders.trainer import SampledTrainer

    model, data, asked = Rows(), Records(), list[Any]()

    def unpack(batch: Any) -> Any:
        asked.append(batch)
        return {"x": batch["x"], "row": batch["row"]}, batch["labels"], batch["row"]

    chosen = AdaptiveSampler(
        model, DataLoader(data, batch_size=16), fraction=K / N, epochs=EPOCHS, every=2, unpack=unpack
    )
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=4,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        learning_rate=0.05,
        lr_scheduler_type="constant",
        **{"save_strategy": "no", **more},
    )
    made = SampledTrainer(model, arguments, train_dataset=data, sampler=chosen)
    made.asked = asked
    return made


@QUIET
def test_the_hugging_face_trainer_trains_on_what_is_chosen(tmp_path: Path) -> None:
    trainer = trainer_of(tmp_path / "out")
    trainer.train()
    chosen, seen = trainer.row_sampler, np.reshape(trainer.model.seen, (EPOCHS, K))
    assert [one["epoch"] for one in chosen.history] == [0, 2, 4]
    first, second, third = (sorted(seen[epoch].tolist()) for epoch in (0, 2, 4))
    assert [sorted(one.tolist()) for one in seen] == [first, first, second, second, third, third]
    assert first != second
    assert third == chosen.rows_of(5)[0].tolist()
    assert len(trainer.asked) == 2 * 4


@QUIET
def test_a_checkpoint_of_the_trainer_has_what_was_chosen(tmp_path: Path) -> None:
    """Stopped in mid-epoch, and in the middle of a round: the rest is as it would have been."""
    whole = trainer_of(tmp_path / "whole")
    whole.train()
    first = trainer_of(tmp_path / "cut", max_steps=11, save_strategy="steps", save_steps=11)
    first.train()
    assert first.model.seen == whole.model.seen[:44]
    again = trainer_of(tmp_path / "cut")
    again.train(resume_from_checkpoint=str(tmp_path / "cut" / "checkpoint-11"))
    assert again.model.seen[:4] == whole.model.seen[44:48]
    assert [one["epoch"] for one in again.row_sampler.history] == [0, 2, 4]
    assert sorted(again.model.seen[:4] + first.model.seen[36:]) == sorted(first.model.seen[24:36])


def test_without_transformers_the_import_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda what: None if what == "transformers" else found(what)
    )
    monkeypatch.delitem(__import__("sys").modules, "prune.loaders.trainer", raising=False)
    with pytest.raises(ImportError, match="pip install transformers"):
        importlib.import_module("prune.loaders.trainer")
