"""Format to format to format, for all pairs: what comes back is what was, but for what a row says is lost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from prune.exporters import EXPORTERS
from prune.readers import READERS
from tests.exporters.format_pairs import FORMS, KEPT, NO_DATASET, all_pairs, drawn, fixed, walk


def test_every_format_that_holds_samples_has_a_row() -> None:
    assert set(KEPT) | NO_DATASET == {name for name, form in EXPORTERS.items() if form.modalities}
    assert {form.exported for form in READERS.values()} <= {*KEPT, "manifest"}


@pytest.mark.parametrize("modality", FORMS)
def test_all_pairs_in_one_walk(modality: str, tmp_path: Path) -> None:
    samples, classes = fixed(modality)
    walk(samples, classes, modality, all_pairs([form for form in FORMS[modality] if form != "txt"]), tmp_path)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn())
def test_drawn_datasets_on_drawn_ways(case: Any) -> None:
    modality, samples, classes, forms = case
    with tempfile.TemporaryDirectory() as folder:
        walk(samples, classes, modality, forms, Path(folder))
