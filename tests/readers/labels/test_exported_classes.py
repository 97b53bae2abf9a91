"""The classes that an export lists hold for its data, and for no other that lies where that lay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from prune.readers.labels.exported_classes import ExportedClass, described, exported_classes

CLASSES = {"00": ExportedClass("00", "a/b", 0), "01": ExportedClass("01", "c", 1)}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A class root, and what describes it beside."""
    for name in ("out/00/x.png", "out/01/y.png", "out.prune/classes.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"some bytes")
    (tmp_path / "out.prune/classes.csv").write_bytes(described([("00", "a/b", 0, 1), ("01", "c", 1, 1)]))
    entry = {"size": 10, "sha256": "0" * 64}
    names = (".prune-export/classes.csv", "00/x.png", "01/y.png")
    (tmp_path / "out.prune/export.json").write_text(json.dumps({"files": dict.fromkeys(names, entry)}))
    return tmp_path / "out"


def test_folders_stand_for_what_the_list_says(out: Path) -> None:
    assert exported_classes([out]) == CLASSES


def test_an_export_of_which_files_were_removed_or_changed_is_still_one(out: Path) -> None:
    (out / "00/x.png").unlink()
    (out / "01/y.png").write_bytes(b"others")
    assert exported_classes([out]) == CLASSES


def test_other_data_where_an_export_was_removed_is_what_it_says(out: Path) -> None:
    shutil.rmtree(out)
    (out / "00").mkdir(parents=True)
    (out / "00/another.png").write_bytes(b"some bytes")
    assert exported_classes([out]) == {}


def test_a_description_that_lies_in_an_empty_folder_describes_nothing(out: Path) -> None:
    (out.with_name("out.prune")).rename(out / ".prune-export")
    assert exported_classes([out]) == CLASSES
    shutil.rmtree(out / "00")
    shutil.rmtree(out / "01")
    assert exported_classes([out]) == {}


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"files": 1}'])
def test_a_description_that_cannot_be_read_says_nothing_against_the_list(out: Path, text: str | None) -> None:
    path = out.with_name("out.prune") / "export.json"
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert exported_classes([out]) == CLASSES


def test_one_file_has_its_list_beside_it(out: Path, tmp_path: Path) -> None:
    shutil.rmtree(out)
    out.write_text("{}\n")
    assert exported_classes([out]) == CLASSES
