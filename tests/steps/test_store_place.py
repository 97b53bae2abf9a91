"""The default store lies where no library takes it for a class, and the next command finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torchvision.datasets import ImageFolder

from prune import pipeline
from prune.core.errors import StoreError
from prune.store import Store

PIXELS = ("embed", "--encoder", "pixels", "--workers", "0")


@pytest.mark.parametrize(
    ("stand", "data", "store"), [(".", ".", "../.data.prune"), ("left", "..", "../../.data.prune")]
)
def test_a_dataset_that_one_stands_in_stays_as_it_was(
    stand: str, data: str, store: str, images: Path, prune: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ImageFolder(images).class_to_idx
    files = sorted(images.rglob("*"))
    monkeypatch.chdir(images / stand)
    said = prune(*PIXELS, data)
    assert (said.code, f"the store is {store}" in said.err) == (0, True)
    assert f"in {store}/selections/random" in prune("select", "--method", "random", "--fraction", "0.5").out
    assert prune("status").out.startswith(f"{store}: ")
    assert prune("verify").code == 0
    assert prune("export", "--format", "imagefolder").code == 6
    assert prune("export", "--format", "imagefolder", "--out", images.parent / "out").code == 0
    assert sorted(images.rglob("*")) == files
    assert ImageFolder(images).class_to_idx == before
    assert sorted(p.name for p in images.parent.iterdir()) == [".data.prune", "data", "out", "out.prune"]


def test_a_folder_of_one_class_is_no_place_and_the_advice_is(
    images: Path, prune: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images / "left")
    said = prune(*PIXELS, ".")
    assert said.code == 4
    typed = said.err.split("try:   prune ")[1].split()
    assert typed[-2:] == ["--store", "../../.data.prune"]
    assert prune(*typed).code == 0
    assert sorted(p.name for p in images.iterdir()) == ["left", "right"]


def test_other_places_are_as_they_were(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(images.parent)
    pipeline.embed(data="data", encoder="pixels")
    assert Store().path == Path(".prune")
    with pytest.raises(StoreError, match=r"data/\.prune would lie in the dataset data") as refused:
        pipeline.embed("data/.prune", "data", encoder="pixels")
    assert refused.value.hint == "add --store .data.prune"


def test_a_store_of_before_is_used_and_the_way_out_said(
    images: Path, prune: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images.parent)
    pipeline.embed(data="data", encoder="pixels")
    Path(".prune").rename("data/.prune")
    monkeypatch.chdir("data")
    said = prune(*PIXELS, ".")
    assert said.code == 0
    assert "libraries take it for a class: mv .prune ../.data.prune" in " ".join(said.err.split())
    Path(".prune").rename("../.data.prune")
    assert prune("status").out.startswith("../.data.prune: ")
