"""Format to format to format, for all pairs: what comes back is what was, but for what a row says is lost."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from prune.exporters import EXPORTERS
from prune.readers import READERS
from tests.exporters.format_pairs import (
    FORMS,
    KEPT,
    NO_DATASET,
    all_pairs,
    drawn,
    fixed,
    hop,
    opened,
    read,
    walk,
    written,
)


def test_every_format_that_holds_samples_has_a_row() -> None:
    assert set(KEPT) | NO_DATASET == {name for name, form in EXPORTERS.items() if form.modalities}
    assert {form.exported for form in READERS.values()} <= {*KEPT, "manifest"}


@pytest.mark.parametrize("modality", FORMS)
def test_all_pairs_in_one_walk(modality: str, tmp_path: Path) -> None:
    samples, classes = fixed(modality)
    walk(samples, classes, modality, all_pairs([form for form in FORMS[modality] if form != "txt"]), tmp_path)


@pytest.mark.parametrize("modality", FORMS)
def test_an_export_is_read_from_inside_of_it(
    modality: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, classes = fixed(modality)
    source = opened(written(samples, classes, modality, tmp_path / "source"), tmp_path / "scans")
    form = {"image": "imagefolder", "text": "jsonl"}[modality]
    found = read(hop(source, form, tmp_path / "out", tmp_path / "scans"))
    monkeypatch.chdir(tmp_path / "out")
    assert read(opened(Path(), tmp_path / "scans")) == found


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn())
def test_drawn_datasets_on_drawn_ways(case: Any) -> None:
    modality, samples, classes, forms = case
    with tempfile.TemporaryDirectory() as folder:
        walk(samples, classes, modality, forms, Path(folder))
