"""Many small odd datasets, each through several formats: what comes back is what was."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.exporters.format_pairs import drawn, walk


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn(longest=5))
def test_many_drawn_datasets_on_drawn_ways(case: Any) -> None:
    modality, samples, classes, forms = case
    with tempfile.TemporaryDirectory() as folder:
        walk(samples, classes, modality, forms, Path(folder))
