"""Lots of clusters: all of them, each a unit of few samples."""

from __future__ import annotations

import numpy as np
import pytest

from prune.steps import duplicate_units


def test_lots_have_all_clusters_and_few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicate_units, "LOT", 10)
    sizes = [4, 4, 4, 25, 1, 9, 10]
    groups = [np.arange(size) for size in sizes]
    spans = list(duplicate_units._lots(groups))
    assert [sizes[span] for span in spans] == [[4, 4], [4], [25], [1, 9], [10]]
    assert list(duplicate_units._lots([])) == []
