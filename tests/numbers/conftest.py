"""Features and labels in a store, as `prune embed` takes them from two .npy files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.store import Store


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Store]:
    """Put features (n, d) and labels (n,) into a store of their own, as an embedding."""

    def make(features: np.ndarray, labels: Any = None, **words: Any) -> Store:
        home = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        np.save(home / "x.npy", features)
        if labels is not None:
            np.save(home / "x_labels.npy", np.asarray(labels))
        store = Store(home / "store")
        pipeline.embed(store, str(home / "x.npy"), **{"dtype": "float32", **words})
        return store

    return make
