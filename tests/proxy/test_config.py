from __future__ import annotations

import dataclasses
import json

import pytest

from prune.core.errors import OptionError
from prune.proxy.config import Training


def test_is_json_and_comes_back() -> None:
    training = Training.of("resnet9", epochs=3)
    assert Training(**json.loads(json.dumps(dataclasses.asdict(training)))) == training


def test_a_proxy_brings_what_suits_it() -> None:
    assert Training.of("resnet8") == Training()
    assert Training.of("resnet9").batch == 512
    assert Training.of("resnet9", batch=64, peak_lr=None) == Training(proxy="resnet9", batch=64, peak_lr=0.4)
    assert not Training.of("linear").flip
    assert Training.of("mlp", size=16).crop == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 0, "epochs is 0, but must be at least 1"),
        ("batch", 1, "batch is 1, but must be at least 2"),
        ("size", 3, "size is 3, but must be at least 4"),
        ("size", 4096, "size is 4096, which is out of its range"),
        ("crop", 32, "crop is 32, which is out of its range"),
        ("peak_lr", 0.0, "peak_lr is 0.0, which is out of its range"),
        ("peak_lr", float("nan"), "peak_lr is nan"),
        ("momentum", 1.0, "momentum is 1.0, which is out of its range"),
        ("weight_decay", -1.0, "weight_decay is -1.0"),
        ("warmup", 1.5, "warmup is 1.5, which is out of its range"),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Training(**{name: value})
