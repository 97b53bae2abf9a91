"""Nothing is written outside store and export, no link is followed there, nothing of others is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Look = Callable[[], dict[str, bytes]]
PIXELS = ("--encoder", "pixels", "--workers", "0")
ROW = "Hostile and broken input", "paths and links"
FORMATS = ["webdataset", "huggingface", "imagefolder", "parquet", "manifest"]


def outside(seen: dict[str, bytes], *ours: Path) -> dict[str, bytes]:
    """What lies in no folder of ours."""
    return {name: data for name, data in seen.items() if not any(name.startswith(f"{own}/") for own in ours)}


@pytest.fixture
def chosen(prune: Any, make: Any, elsewhere: Path) -> Path:
    """A selection of everything, and a folder with something precious beside it."""
    make.folder(elsewhere / "in")
    (elsewhere / "mine").mkdir()
    (elsewhere / "mine" / "thesis.tex").write_text("precious")
    assert prune("embed", *PIXELS, "in").code == 0
    assert prune("select", "--method", "random", "--fraction", 1).code == 0
    return elsewhere


@pytest.mark.parametrize("form", FORMATS)
def test_names_that_climb_stay_inside(
    form: str, prune: Any, make: Any, elsewhere: Path, everything_below: Look, tally: Any
) -> None:
    names = [
        "../up",
        "/abs",
        "a/../../b",
        "..",
        "con",
        "a\\..\\b",
        "~/x",
        "C:x",
        ".prune-export/export",
        "-rf",
    ]
    members = [(f"{name}.png", make.picture(i)) for i, name in enumerate(names)]
    labels = [(f"{name}.cls", b"../../etc" if i % 2 else b".") for i, name in enumerate(names)]
    both = [entry for pair in zip(members, labels, strict=True) for entry in pair]
    make.tar(elsewhere / "in" / "x.tar", [*both, *make.pairs(range(3))])
    before = everything_below()
    assert prune("embed", *PIXELS, "--on-error", "skip", "--max-bad", 0.9, "in").code == 0
    assert prune("select", "--method", "random", "--fraction", 1).code == 0
    assert prune("export", "--format", form, "--out", "out").code == 0
    ours = (elsewhere / ".prune", elsewhere / "out", elsewhere / "out.prune")
    assert outside(everything_below(), *ours) == before
    assert len(everything_below()) > len(before)
    tally(*ROW, "left out", 1)


def test_links_in_the_store_are_not_followed(
    prune: Any, make: Any, elsewhere: Path, everything_below: Look, tally: Any
) -> None:
    make.folder(elsewhere / "in")
    mine = elsewhere / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("precious")
    assert prune("embed", *PIXELS, "in").code == 0
    before = outside(everything_below(), elsewhere / ".prune")
    store, tried = elsewhere / ".prune", 0
    files = [path.relative_to(store) for path in sorted(store.rglob("*")) if path.is_file()]
    for name in [*files, Path("rejects.json")]:
        kept = (store / name).read_bytes() if (store / name).exists() else None
        (store / name).unlink(missing_ok=True)
        (store / name).symlink_to(mine / "thesis.tex")
        for words in (["embed", *PIXELS, "in"], ["select", "--method", "random", "--count", 2], ["status"]):
            said = prune(*words)
            assert "Traceback" not in said.err
            assert outside(everything_below(), store) == before, name
        tried += 1
        if (store / name).is_symlink():
            (store / name).unlink()
        if kept is not None:
            (store / name).parent.mkdir(parents=True, exist_ok=True)
            (store / name).write_bytes(kept)
    tally(*ROW, "refused", tried)


@pytest.mark.parametrize("name", ["datasets", "columns", "scans", "selections", "columns/embedding.pixels"])
def test_linked_folders_in_the_store_are_refused(
    name: str, prune: Any, chosen: Path, everything_below: Look, tally: Any
) -> None:
    place = chosen / ".prune" / name
    place.mkdir(exist_ok=True)  # of files that are a moment old, no scan is kept
    place.rename(chosen / "mine" / "taken")
    place.symlink_to(chosen / "mine" / "taken")
    before = outside(everything_below(), chosen / ".prune")
    for words in (["embed", *PIXELS, "--dtype", "float32"], ["select", "--method", "random", "--count", 2]):
        said = prune(*words)
        assert said.code == 4, said.err
        assert "is a symbolic link" in said.err
        assert outside(everything_below(), chosen / ".prune") == before
    tally(*ROW, "refused", 1)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("where", ["out", ".out.partial", ".out.old"])
def test_links_where_an_export_goes(
    where: str, form: str, prune: Any, chosen: Path, everything_below: Look, tally: Any
) -> None:
    assert prune("export", "--format", form, "--out", "mine/earlier").code == 0
    (chosen / where).symlink_to(chosen / "mine" / ("earlier" if where == ".out.old" else "."))
    before = outside(everything_below(), chosen / "out")
    said = prune("export", "--format", form, "--out", "out")
    assert said.code in {0, 6}, said.err
    assert outside(everything_below(), chosen / "out") == before
    tally(*ROW, "refused", 1)


def test_links_inside_an_export_in_the_making(
    prune: Any, chosen: Path, everything_below: Look, tally: Any
) -> None:
    """A killed run left a folder; somebody put a link into it."""
    assert prune("export", "--format", "imagefolder", "--out", "out").code == 0
    made = everything_below()
    identity = json.loads((chosen / "out.prune" / "export.json").read_bytes())["identity"]
    (chosen / "out").rename(chosen / "whole")
    (chosen / "out.prune").rename(chosen / "whole.prune")
    partial = chosen / ".out.partial"
    (partial / ".prune-export").mkdir(parents=True)
    (partial / ".prune-export" / "job.json").write_text(json.dumps({"identity": identity}))
    (partial / "a").symlink_to(chosen / "mine")
    before = outside(everything_below(), partial)
    assert prune("export", "--format", "imagefolder", "--out", "out").code == 6
    assert outside(everything_below(), partial) == before
    (partial / "a").unlink()
    assert prune("export", "--format", "imagefolder", "--out", "out").code == 0
    assert made.items() <= everything_below().items()
    tally(*ROW, "refused", 1)


def test_an_earlier_export_that_leads_elsewhere(
    prune: Any, chosen: Path, everything_below: Look, tally: Any
) -> None:
    """What lies at `.out.old` calls itself an export of ours, and lists a file behind a link."""
    old = chosen / ".out.old"
    (old / ".prune-export").mkdir(parents=True)
    (old / "a").symlink_to(chosen / "mine")
    listed = {"a/thesis.tex": {"size": 8, "sha256": "0" * 64}}
    (old / ".prune-export" / "export.json").write_text(
        json.dumps({"format": 1, "identity": "x", "files": listed})
    )
    prune("export", "--format", "imagefolder", "--out", "out")
    assert (chosen / "mine" / "thesis.tex").read_text() == "precious"
    tally(*ROW, "refused", 1)


@pytest.mark.parametrize(
    "listed", ["../mine/thesis.tex", "/etc/passwd", "a/../../mine/thesis.tex", "\ud800", "x" * 300, ""]
)
def test_a_description_that_lists_what_is_not_its_own(
    listed: str, prune: Any, chosen: Path, tally: Any
) -> None:
    assert prune("export", "--format", "imagefolder", "--out", "out").code == 0
    description = chosen / "out.prune" / "export.json"
    said = json.loads(description.read_bytes())
    said["files"][listed] = {"size": 8, "sha256": "0" * 64}
    said.pop("seal", None)
    description.write_text(json.dumps(said))
    said = prune("export", "--format", "webdataset", "--out", "out", "--overwrite")
    assert said.code == 6, said.err
    assert (chosen / "mine" / "thesis.tex").read_text() == "precious"
    tally(*ROW, "refused", 1)


@pytest.mark.parametrize("how", ["dir", "foreign", "file", "link"])
def test_what_is_not_ours_is_not_replaced(
    how: str, prune: Any, chosen: Path, everything_below: Look, tally: Any
) -> None:
    out = chosen / "out"
    if how == "file":
        out.write_text("mine")
    elif how == "link":
        out.symlink_to(chosen / "mine")
    else:
        assert how == "dir" or prune("export", "--format", "manifest", "--out", "out").code == 0
        out.mkdir(exist_ok=True)
        (out / "notes.txt").write_text("mine")
    before = everything_below()
    said = prune("export", "--format", "webdataset", "--out", "out", "--overwrite")
    assert said.code == 6, said.err
    assert everything_below() == before
    tally(*ROW, "refused", 1)


def test_a_store_where_something_else_is(
    prune: Any, make: Any, elsewhere: Path, everything_below: Look
) -> None:
    make.folder(elsewhere / "in")
    (elsewhere / "mine").mkdir()
    (elsewhere / "mine" / "thesis.tex").write_text("precious")
    (elsewhere / "link").symlink_to("mine")
    before = everything_below()
    for place in ("mine", "mine/thesis.tex", "link"):
        assert prune("embed", *PIXELS, "in", "--store", place).code == 4
    assert everything_below() == before
