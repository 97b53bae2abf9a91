"""A trace whose writing was cut short anywhere is gone on with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.trace import TraceWriter

from .test_writer import Make, published


@pytest.mark.parametrize("kind", ["kill", "torn"])
def test_any_interrupted_write_can_be_resumed(
    points: Any, writer: Make, faulty: Any, killed: Any, kind: str
) -> None:
    nets = [points.net(), points.net()]
    points.train(nets[1], 1)

    def go(resume: bool) -> TraceWriter:
        w = writer(2, resume=resume)
        for epoch in range(w.next_epoch, 3):
            w.observe(nets[epoch - 1], points.batches())
        w.close()
        return w

    expected = published(go(False).store)
    go(False)  # the store is there now: from here on every run makes the same changes
    counted = faulty()
    go(False)
    at = 1
    while at < len(counted.calls):
        faulty(kind, at)
        with pytest.raises(killed):
            go(False)
        faulty()
        assert published(go(True).store).keys() == expected.keys()
        at += 11
    for name, values in published(go(False).store).items():
        np.testing.assert_array_equal(values, expected[name], name)
