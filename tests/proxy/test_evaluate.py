from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from prune.core.errors import OptionError
from prune.proxy.evaluate import Observer, outputs
from prune.proxy.inputs import Inputs
from prune.proxy.models import build

CPU = torch.device("cpu")


@pytest.fixture
def inputs(made: Callable[..., Any]) -> Inputs:
    values = np.random.default_rng(0).integers(0, 256, (300, 3, 8, 8), dtype=np.uint8)
    _, dataset, column = made(values, [0, 1, None] * 100, bad={9: "broken"})
    return Inputs(column, dataset, CPU)


def test_every_usable_row_is_seen_once_and_gradients_come_back_on(inputs: Inputs) -> None:
    model = build("mlp", (3, 8, 8), 2)
    seen = []
    for rows, logits, features in outputs(model, inputs, inputs.rows):
        assert not torch.is_inference_mode_enabled()
        assert len(rows) == len(logits) == len(features)
        seen.append(rows)
    assert np.concatenate(seen).tolist() == inputs.rows.tolist() == [i for i in range(300) if i != 9]


def test_the_second_look_compares_with_the_first(inputs: Inputs) -> None:
    first, second = build("mlp", (3, 8, 8), 2), build("mlp", (3, 8, 8), 2)
    with torch.no_grad():  # always predicts the second class, however the first net was initialised
        for parameter in second.parameters():
            parameter.zero_()
        list(second.parameters())[-1].copy_(torch.tensor([-3.0, 3.0]))
    observer = Observer(inputs)
    looks = [observer.look(model, 1, lambda _: None)[0, 7] for model in (first, first, second)]
    assert np.isnan(looks[0][9])
    assert not np.delete(looks[:2], 9, axis=1).any()
    assert (np.delete(looks[2], 9) > 0).all()


def test_outputs_that_are_not_finite_are_refused(inputs: Inputs) -> None:
    model = build("mlp", (3, 8, 8), 2)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(OptionError, match="training diverged at epoch 4"):
        Observer(inputs).look(model, 4, lambda _: None)
