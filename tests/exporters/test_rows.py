"""An exporter is known by its row: what it may hold, and what it writes beside the samples."""

import pytest

from prune.core.errors import OptionError
from prune.core.method_rows import Exporter
from prune.exporters import EXPORTERS
from prune.modalities import MODALITIES
from prune.steps.export_selection import write


def names_only(job, folder, /):
    """Names of the samples."""
    if not folder.done("names"):
        with folder.part("names") as part:
            part.write("names.txt", str(len(job)).encode())


def test_a_form_that_holds_no_samples_has_no_records_of_them(
    monkeypatch, make_job, run, tree, with_records, tmp_path
):
    records = {}
    for form, modalities in (("bare", ()), ("full", ("image",))):
        monkeypatch.setitem(EXPORTERS, form, Exporter(names_only, modalities=modalities))
        run(with_records(make_job("imagefolder"), {"said.json": b"{}"}), form, tmp_path / form)
        records[form] = [name for name in tree(tmp_path / form) if name.endswith("said.json")]
    assert records["bare"] == []
    assert len(records["full"]) == 1


def test_a_dataset_of_another_modality_than_a_form_holds_is_refused(monkeypatch, make_job, tmp_path):
    monkeypatch.setitem(EXPORTERS, "names_only", Exporter(names_only, modalities=("text",)))
    with pytest.raises(
        OptionError, match="--format names_only holds texts, and the dataset is of images"
    ) as caught:
        write(make_job("imagefolder"), "names_only", tmp_path / "out", [], overwrite=False, wait=None)
    assert caught.value.hint == (
        "prune export --format imagefolder   # or webdataset, huggingface, parquet, manifest"
    )


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_row_names_modalities_that_there_are(name):
    row = EXPORTERS[name]
    assert set(row.modalities) <= set(MODALITIES)
    assert row.holds_payloads or not (row.tables or row.folders_are_classes or row.weights_from)
