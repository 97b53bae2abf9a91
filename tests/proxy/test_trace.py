from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from prune.proxy.trace import FACTS, Trace, facts, log_probabilities
from prune.store import Store


def named(*args: torch.Tensor) -> dict[str, list[float]]:
    return {name: row.tolist() for name, row in zip(FACTS, facts(*args).float(), strict=True)}


def test_facts_by_hand() -> None:
    logits = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]]).log() + 3
    before = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.7, 0.1]]).log().half()
    found = named(logits, torch.tensor([0, 0]), torch.tensor([[3.0, 4.0], [0.0, 0.0]]), before)
    entropy = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    moved = sum(p * abs(math.log(p / q)) for p, q in zip((0.7, 0.2, 0.1), (0.5, 0.25, 0.25), strict=True))
    expected = {
        "margin": [math.log(3.5), -math.log(3.5)],
        "loss": [-math.log(0.7), -math.log(0.2)],
        "p_label": [0.7, 0.2],
        "p_other": [0.2, 0.7],
        "gap": [0.5, 0.5],
        "error": [math.sqrt(0.09 + 0.04 + 0.01), math.sqrt(0.64 + 0.49 + 0.01)],
        "entropy": [entropy, entropy],
        "divergence": [moved, 0.0],
        "feature_norm": [5.0, 0.0],
    }
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=2e-3, abs=1e-3), name


def test_certainty_gives_numbers_and_no_nan() -> None:
    logits = torch.tensor([[0.0, 1e6, 0.0], [1e6, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = named(logits, torch.tensor([0, 0, 0]), torch.full((3, 2), 1e9), log_probabilities(-logits))
    assert found["loss"] == [65504, 0, pytest.approx(math.log(3), rel=1e-3)]
    assert found["p_label"] == [0, 1, pytest.approx(1 / 3, rel=1e-3)]
    assert found["error"][:2] == [pytest.approx(math.sqrt(2), rel=1e-3), 0]
    assert found["entropy"][:2] == [0, 0]
    assert found["margin"] == [-65504, 65504, 0]
    assert found["feature_norm"] == [65504] * 3
    assert np.isfinite(list(found.values())).all()


def test_the_first_epoch_has_no_divergence() -> None:
    assert (
        named(torch.randn(4, 3), torch.zeros(4, dtype=torch.long), torch.ones(4, 2))["divergence"] == [0] * 4
    )


def test_a_prediction_that_stays_has_no_divergence() -> None:
    logits = torch.tensor([[1.23456, -0.9876, 4.321]])
    label, h = torch.tensor([1]), torch.ones(1, 2)
    assert named(logits, label, h, log_probabilities(logits))["divergence"] == [0]


def test_without_a_label_only_what_needs_it_is_nan() -> None:
    found = named(torch.tensor([[1.0, 0.0]]), torch.tensor([-1]), torch.ones(1, 4))
    missing = {name for name, (value,) in found.items() if math.isnan(value)}
    assert missing == {"margin", "loss", "p_label", "p_other", "error"}


def test_a_trace_gives_its_facts_by_name(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 9, 4)).astype(np.float16)
    values[:, :, 3] = np.nan
    writer = Store(tmp_path).write_column("trace.0", {}, rows=3, part_rows=1)
    for part in writer.missing():
        writer.put(part, values[part.start : part.stop])
    trace = Trace(writer.finish())
    assert trace.epochs == 3
    np.testing.assert_array_equal(trace.fact("error"), values[:, 5].astype(np.float32))
    np.testing.assert_array_equal(trace.right, values[:, 0] > 0)
    assert not trace.right[:, 3].any()


def test_a_fact_takes_the_memory_of_its_own_numbers(tmp_path: Path) -> None:
    writer = Store(tmp_path).write_column("trace.0", {}, rows=8, part_rows=1)
    for part in writer.missing():
        writer.put(part, np.full((1, 9, 20_000), part.number, np.float16))
    trace = Trace(writer.finish())
    trace.fact("loss")  # opens and checks the parts
    tracemalloc.start()
    loss = trace.fact("loss")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert loss[:, 0].tolist() == list(range(8))
    assert peak < 1.2 * loss.nbytes


def test_a_column_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    writer = Store(tmp_path).write_column("x", {}, rows=1)
    writer.put(writer.parts[0], np.zeros((1, 4, 2), np.float16))
    with pytest.raises(ValueError, match="x has 4 facts an epoch, not 9"):
        Trace(writer.finish())
