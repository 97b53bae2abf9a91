"""What steps are watched by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from prune.readers.scanned import Scanned


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the samples whose payloads were read, in their order."""
    keys: list[str] = []
    payloads = Scanned.payloads

    def counted(self: Scanned, samples: pa.Table) -> Iterator[Any]:
        for key, payload in zip(samples["key"].to_pylist(), payloads(self, samples), strict=True):
            keys.append(key)
            yield payload

    monkeypatch.setattr(Scanned, "payloads", counted)
    return keys
