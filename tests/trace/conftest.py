"""Two classes of points in a plane, a net that tells them apart, and a store that knows them by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune.trace import TraceWriter

N = 30


class Points:
    """Inputs, labels and keys of thirty samples, and a loader over them in some order."""

    def __init__(self) -> None:
        source = np.random.default_rng(0)
        self.labels = np.arange(N) % 3
        self.inputs = torch.tensor(source.normal(size=(N, 4)) + 2 * self.labels[:, None], dtype=torch.float32)
        self.keys = [f"s/{i:02d}" for i in range(N)]

    def net(self) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3))

    def batches(self, rows: Any = None, *, by: str = "keys", size: int = 7) -> Iterator[tuple[Any, Any, Any]]:
        rows = np.arange(N) if rows is None else np.asarray(rows)
        for start in range(0, len(rows), size):
            here = rows[start : start + size]
            samples = [self.keys[i] for i in here] if by == "keys" else torch.tensor(here)
            yield self.inputs[here], torch.tensor(self.labels[here]), samples

    def train(self, net: nn.Module, epoch: int) -> None:
        """One epoch that depends on the state and the number only."""
        net.train()
        with torch.random.fork_rng():
            torch.manual_seed(epoch)
            optimiser = torch.optim.SGD(net.parameters(), 0.1)
            for inputs, labels, _ in self.batches(torch.randperm(N).numpy()):
                optimiser.zero_grad()
                nn.functional.cross_entropy(net(inputs), labels).backward()
                optimiser.step()


@pytest.fixture
def points() -> Points:
    return Points()


@pytest.fixture
def writer(tmp_path: Path, points: Points) -> Callable[..., TraceWriter]:
    """A writer into `tmp_path/store`, for data known by keys and labels."""

    def make(epochs: int = 3, **options: Any) -> TraceWriter:
        given = {"keys": points.keys, "labels": points.labels} | options
        return TraceWriter(tmp_path / "store", epochs=epochs, **given)

    return make
