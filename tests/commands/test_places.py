"""Odd places of stores and exports, and what is advised about them: a command that can be pasted."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Prune = Callable[..., Any]


@pytest.fixture
def chosen(prune: Prune, images: Path, elsewhere: Path) -> Path:
    """A store with an embedding and a selection, in the current folder."""
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    assert prune("select", "--method", "random", "--fraction", "0.5", "--name", "half").code == 0
    return elsewhere / ".prune"


def advised(said: Any) -> list[str]:
    """The words of the command that an error advises, as a shell takes them."""
    return shlex.split(said.err.strip().splitlines()[-1].removeprefix("try:"), comments=True)


def test_what_is_to_be_removed_can_be_pasted(prune: Prune, chosen: Path) -> None:
    store = Path(shutil.copytree(chosen, "my data/it's $HOME"))
    (store / "store.json").write_text("x")
    for words in (["status", "--store", store], ["select", "--fraction", "0.3", "--store", store]):
        assert advised(prune(*words)) == ["rm", f"{store}/store.json"]
    found = prune("verify", store)
    assert shlex.join(["rm", f"{store}/store.json"]) in found.out


def test_the_next_command_is_about_the_same_store(prune: Prune, images: Path, elsewhere: Path) -> None:
    store = ["--store", "my store"]
    said = prune("embed", "--encoder", "pixels", "--workers", 0, images, *store)
    assert "next: prune select --store 'my store' --method" in said.out
    said = prune("score", "--type", "input_norm", "--proxy-size", "8", "--workers", 0, *store)
    assert "next: prune select --store 'my store' --method" in said.out
    said = prune("select", "--method", "random", "--fraction", "0.5", *store)
    assert "next: prune export --store 'my store' --format" in said.out


def test_a_damaged_selection_is_chosen_again_by_what_was_typed(prune: Prune, chosen: Path) -> None:
    for name in ("keys.txt", "selection.json"):
        (chosen / "selections/half" / name).write_text("")
        said = prune("export", "--format", "manifest")
        assert said.code == 4
        again = advised(said)
        assert again == ["prune", "select", "--method", "random", "--fraction", "0.5", "--name", "half"]
        assert prune(*again[1:]).code == 0
        assert prune("export", "--format", "manifest", "--overwrite").code == 0


def test_a_dataset_that_moved_is_named_to_the_command_that_read_it(
    prune: Prune, chosen: Path, images: Path
) -> None:
    moved = images.rename(images.with_name("moved"))
    for _ in range(2):
        said = prune("export", "--format", "manifest")
        assert said.err.rstrip().endswith("try:   prune embed --encoder pixels DATA   # name it")
        (chosen / "location.json").unlink(missing_ok=True)
    assert prune("embed", "--encoder", "pixels", "--workers", 0, moved).code == 0
    assert prune("export", "--format", "manifest").code == 0


def test_an_empty_name_is_not_the_current_folder(prune: Prune, images: Path, elsewhere: Path) -> None:
    shutil.move(images, "data")
    said = prune("embed", "--encoder", "pixels", "")
    assert said.code == 2
    assert said.err.startswith("error: DATA is an empty text")


def test_links_that_lead_in_a_circle(prune: Prune, chosen: Path, images: Path) -> None:
    Path("loop").symlink_to("loop")
    for place in ("loop", "loop/x"):
        said = prune("export", "--format", "manifest", "--out", place)
        assert (said.code, "Traceback" in said.err) == (6, False), said.err
        said = prune("embed", "--encoder", "pixels", "--workers", 0, images, "--store", place)
        assert said.code in {4, 6}, said.err
        assert said.err.startswith("error: ")


def test_a_store_whose_name_is_not_utf8(prune: Prune, chosen: Path) -> None:
    store = os.fsdecode(b"st-\xff")
    try:
        shutil.copytree(chosen, store)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert prune("select", "--method", "kcenter", "--fraction", "0.5", "--store", store).code == 0
    assert prune("verify", "--no-source", store).code == 0
