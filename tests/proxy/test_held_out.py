"""Held-out predictions of a cross-fit: whose they are, and that they follow the folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from prune import pipeline
from prune.core.column_name import HELD_OUT
from prune.proxy import Training, folds_of
from prune.proxy.evaluate import outputs
from prune.proxy.inputs import Inputs
from prune.proxy.run import model_at
from prune.steps.settings import Settings
from prune.store import Store

QUICK: dict[str, Any] = {"proxy": "mlp", "epochs": 3, "size": 8}
CPU = Settings(device="cpu")


def test_each_fold_predicts_the_samples_that_it_did_not_train_on(images: Path, elsewhere: Path) -> None:
    pipeline.score("store", str(images), types=["aum"], training=QUICK, cross_fit=4, runs=2, settings=CPU)
    store = Store("store")
    probs = store.column(HELD_OUT).read()
    assert (probs.shape, probs.dtype) == ((40, 2), np.float16)
    expected = np.zeros((40, 2))
    inputs = Inputs(store.column("images.8"), store.dataset, torch.device("cpu"))
    training = Training(**store.column("trace.0.0").recipe["training"])
    for run in range(2):
        for share in folds_of(store.dataset, store.dataset.usable, 4, 0, run):
            fed = inputs.only(learnt=share.learnt, watched=share.watched)
            model = model_at(store.column(f"trace.{run}.{share.fold}"), fed, training, 3)
            for rows, logits, _ in outputs(model, fed, share.watched):
                expected[rows] += logits.softmax(1).numpy() / 2
    np.testing.assert_allclose(probs, expected, atol=1e-3)
    np.testing.assert_allclose(probs.sum(1), 1, atol=2e-3)


def test_they_are_found_again_and_go_with_the_folds(images: Path, elsewhere: Path) -> None:
    asked: dict[str, Any] = {"types": ["aum"], "training": QUICK, "settings": CPU}
    pipeline.score("store", str(images), cross_fit=4, **asked)
    assert pipeline.score("store", cross_fit=4, **asked)["unchanged"]
    assert HELD_OUT in Store("store").columns
    pipeline.score("store", runs=1, on_fraction="1", **asked)
    assert HELD_OUT not in Store("store").columns
    assert not any(name.startswith("trace.0.") for name in Store("store").columns)
