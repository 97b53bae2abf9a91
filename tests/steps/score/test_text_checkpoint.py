"""A model of the user's that looks at texts: its factory brings the tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import prune
from prune.core.errors import OptionError
from prune.steps.settings import Settings
from prune.store import Store

SETTINGS = Settings(device="cpu")
FACTORY = """
import torch
from torch import nn


class Tokenizer:
    model_max_length, pad_token_id = 6, 1

    def __call__(self, texts, truncation, max_length, padding):
        ids = [[2 + len(word) for word in text.split()][:max_length] for text in texts]
        return {"input_ids": [one + [1] * (max_length - len(one)) for one in ids]}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(16, 4), nn.Linear(4, 2)

    def forward(self, input_ids, attention_mask):
        there = attention_mask[:, :, None].float()
        return {"logits": self.head((self.table(input_ids) * there).sum(1) / there.sum(1).clamp(min=1))}


def make():
    return Model(), Tokenizer()


def without_tokenizer():
    return Model()


def without_padding():
    tokenizer = Tokenizer()
    tokenizer.pad_token_id = None
    return Model(), tokenizer


def ragged():
    unlike = {"__call__": lambda *_, **__: {"input_ids": [[1], [1, 2]]}}
    return Model(), type("Ragged", (Tokenizer,), unlike)()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve texts, a factory, and weights that fit it; the current folder."""
    monkeypatch.chdir(tmp_path)
    words = ["a", "bb", "ccc", "dddd", "eeeee"]
    rows = [{"text": " ".join(words[: 1 + i % 5]), "label": "ab"[i % 2]} for i in range(12)]
    Path("texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("mine.py").write_text(FACTORY)
    source = torch.Generator().manual_seed(0)
    shapes = {"table.weight": (16, 4), "head.weight": (2, 4), "head.bias": (2,)}
    torch.save({name: torch.randn(*shape, generator=source) for name, shape in shapes.items()}, "mine.pt")
    return tmp_path


def test_its_predictions_are_those_of_the_model_on_each_text(place: Path) -> None:
    model = {"file": "mine.pt", "factory": "mine.py:make"}
    asked = {"types": ["el2n", "grad_norm", "margin"], "checkpoint": model}
    prune.score("store", "texts.jsonl", **asked, settings=SETTINGS)  # type: ignore[arg-type]
    store, weights = Store("store"), torch.load("mine.pt", weights_only=True)
    ids = store.column("tokens.6").read()
    assert ids[4].tolist() == [3, 4, 5, 6, 7, 1]
    for row, of in enumerate(ids):
        mean = weights["table.weight"][of[of != 1].tolist()].mean(0)
        probs = torch.softmax(weights["head.weight"] @ mean + weights["head.bias"], 0)
        np.testing.assert_allclose(store.column("probs").read()[row], probs.numpy(), atol=2e-3)
    norms = store.column("score.grad_norm").read()
    assert (np.isfinite(norms) & (norms > 0)).all()


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("without_tokenizer", "the factory returned a model without a tokenizer"),
        ("without_padding", "Tokenizer has no padding"),
        ("ragged", "the tokenizer cannot take texts"),
    ],
)
def test_a_factory_without_a_proper_tokenizer_is_told_what_to_return(
    place: Path, factory: str, said: str
) -> None:
    model = {"file": "mine.pt", "factory": f"mine.py:{factory}"}
    with pytest.raises(OptionError, match=said) as found:
        prune.score("store", "texts.jsonl", types=["el2n"], checkpoint=model, settings=SETTINGS)
    assert found.value.hint


def test_boundaries_of_a_model_of_texts_are_refused(place: Path) -> None:
    model = {"file": "mine.pt", "factory": "mine.py:make"}
    with pytest.raises(OptionError, match="deepfool looks at numbers that can change"):
        prune.score("store", "texts.jsonl", types=["deepfool"], checkpoint=model, settings=SETTINGS)
