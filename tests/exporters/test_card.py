"""The card of an export: what hubs read in it, and what nobody should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import prune as library
from prune.core.errors import OptionError


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("private place")
    rows = [{"text": f"text {n}", "label": f"a`|<b>{n % 2}", "site": n % 2} for n in range(12)]
    (folder / "pool.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    library.embed(folder / ".prune", str(folder / "pool.jsonl"))
    library.select(folder / ".prune", method="random", fraction=0.5, where="site = 0 or site < 9", by="site")
    return folder / ".prune"


def card(store: Path, out: Path, **asked: Any) -> str:
    library.export(store, out=out, card=True, **{"format": "parquet", **asked})
    return (out / "README.md").read_text()


def test_the_front_matter_is_read_by_the_library_of_the_hub(store: Path, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    found = hub.DatasetCard(card(store, tmp_path / "out"))
    assert found.data.pretty_name == "pool.jsonl, 6 samples by random"
    assert found.data.size_categories == ["n<1K"]
    assert "dataset-pruning" in found.data.tags
    assert found.data.license is None  # it is the user's to say


def test_it_says_what_was_kept_of_what_and_how(store: Path, tmp_path: Path) -> None:
    text = card(store, tmp_path / "out")
    about = json.loads((store / "selections" / "random" / "selection.json").read_text())
    assert "6 samples kept of 12 of `pool.jsonl` (50 %)" in text
    assert "| where | `site = 0 or site < 9` |" in text
    assert "| by | `site` |" in text
    assert f"`{about['dataset']['fingerprint']}`" in text
    assert f"`{about['keys_sha256']}`" in text
    assert "private place" not in text


def test_datasets_reads_an_export_with_a_card(store: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    card(store, tmp_path / "out")
    read = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert read["train"].num_rows == 6


def test_without_being_asked_there_is_no_card(store: Path, tmp_path: Path) -> None:
    library.export(store, format="parquet", out=tmp_path / "out")
    assert not (tmp_path / "out" / "README.md").exists()


def test_one_file_has_no_place_for_it(store: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="a card lies in a folder"):
        library.export(store, format="jsonl", out=tmp_path / "kept.jsonl", card=True)


def test_an_export_with_a_card_is_whole(store: Path, tmp_path: Path) -> None:
    card(store, tmp_path / "out", rejected=True)
    assert library.verify(str(tmp_path / "out"))["exit_code"] == 0
