"""Indices over the original shards: what other loaders read of them is what was kept."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import braceexpand
import numpy as np
import pytest

import prune as library
from prune.core.errors import DataError, OptionError
from tests.exporters.numbered_shards import KEPT, exported, make_numbered, png, sample, write

Prune = Callable[..., Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("shards"))


def test_dali_finds_the_kept_samples_and_their_bytes(made: Path, tmp_path: Path) -> None:
    out = exported(made, "dali", tmp_path / "out")
    found = []
    for index in sorted(out.glob("*.idx")):
        shard = (made / "data" / index.name).with_suffix(".tar").read_bytes()
        head, *lines = index.read_text().splitlines()
        assert head == f"v1.2 {len(lines)}"
        for line in lines:
            words = line.split(" ")
            files = [words[at : at + 4] for at in range(0, len(words), 4)]
            held = {e: shard[int(start) : int(start) + int(size)] for e, start, size, _ in files}
            number = json.loads(held["json"])["n"]
            assert held == sample(number)
            assert all(int(start) % 512 == 0 for _, start, _, _ in files)
            assert {name for *_, name in files} == {f"{files[0][3].rpartition('.')[0]}.{e}" for e in held}
            found.append(number)
    assert sorted(found) == KEPT
    assert not (out / "s-2.idx").exists()  # it keeps nothing


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_an_index_of_everything_is_that_of_wds2idx(form: int, tmp_path: Path) -> None:
    keys = ["a", "b", "x" * 150, "d/" + "y" * 90, "e", "f"]  # a long name has a header of its own
    write(tmp_path / "data/a.tar", {key: sample(n) for n, key in enumerate(keys)}, form)
    library.embed(tmp_path / ".prune", str(tmp_path / "data"), encoder="pixels")
    library.select(tmp_path / ".prune", method="random", fraction=1)
    library.export(tmp_path / ".prune", format="dali", out=tmp_path / "out")
    with tarfile.open(tmp_path / "data/a.tar") as tar:  # by the steps of its loop
        samples: dict[str, list[str]] = {}
        for member in tar:
            key, _, extension = member.name.partition(".")
            words = f"{extension} {member.offset_data} {member.size} {member.name}"
            samples.setdefault(key, []).append(words)
    expected = "".join(f"{' '.join(words)}\n" for words in samples.values())
    assert (tmp_path / "out/a.idx").read_text() == f"v1.2 {len(samples)}\n{expected}"


@pytest.mark.parametrize("key", ["a b", "é"])
def test_names_that_no_index_holds_are_said(key: str, tmp_path: Path) -> None:
    write(tmp_path / "data/a.tar", {key: sample(0), "b": sample(1)})
    library.embed(tmp_path / ".prune", str(tmp_path / "data"), encoder="pixels")
    library.select(tmp_path / ".prune", method="random", fraction=1)
    with pytest.raises(OptionError, match="has a space or is not ASCII"):
        library.export(tmp_path / ".prune", format="dali", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def energon(path: Path) -> tuple[list[str], set[str]]:
    """Read a split as Energon does: the shards of its part, and what is excluded."""
    yaml = pytest.importorskip("yaml")
    said = yaml.safe_load(path.read_text())
    excluded = {name for entry in said["exclude"] for name in braceexpand.braceexpand(entry)}
    shards = [name for entry in said["split_parts"]["train"] for name in braceexpand.braceexpand(entry)]
    return shards, excluded


def test_energon_excludes_what_is_not_kept(made: Path, tmp_path: Path) -> None:
    out = exported(made, "energon", tmp_path / "out")
    shards, excluded = energon(out / "split.yaml")
    assert shards == ["s-0.tar", "s-1.tar", "s-2.tar"]
    assert "s-2.tar" in excluded
    read = []
    for shard in shards:
        with tarfile.open(made / "data" / shard) as tar:
            keys = dict.fromkeys(name.partition(".")[0] for name in tar.getnames())
            for key in keys:
                if shard not in excluded and f"{shard}/{key}" not in excluded:
                    held = tar.extractfile(f"{key}.json")
                    assert held is not None
                    read.append(json.loads(held.read())["n"])
    assert sorted(read) == KEPT


def test_signs_of_brace_expansion_stay_what_they_are(tmp_path: Path) -> None:
    odd = ["a{1,3}", "b\\c", 'd"e: [', "{f,g}", "- h"]
    write(tmp_path / "data/x.tar", {key: sample(n) for n, key in enumerate([*odd, "kept"])})
    library.embed(tmp_path / ".prune", str(tmp_path / "data"), encoder="pixels")
    library.select(tmp_path / ".prune", method="random", fraction=1, where="key = 'kept'")
    library.export(tmp_path / ".prune", format="energon", out=tmp_path / "out")
    assert energon(tmp_path / "out/split.yaml")[1] == {f"x.tar/{key}" for key in odd}


def test_wids_reads_the_kept_samples_where_they_lie(made: Path, tmp_path: Path) -> None:
    import wids  # makes a folder for its cache

    out = exported(made, "wids", tmp_path / "out")
    read = wids.ShardListDataset(
        str(out / "wids.json"), cache_dir=str(tmp_path / "cache"), transformations=[]
    )
    rows = np.load(out / "indices.npy").tolist()
    found = {json.loads(read[row][".json"].read())["n"]: read[row][".png"].read() for row in rows}
    read.close()
    assert len(read) == 24
    assert found == {n: png(n) for n in KEPT}


@pytest.mark.parametrize("odd", ["__meta__/a", ".hidden", "x" * 120])
def test_shards_that_wids_numbers_in_another_way_are_refused(odd: str, tmp_path: Path) -> None:
    write(tmp_path / "data/a.tar", {odd: sample(9), **{f"k{n}": sample(n) for n in range(4)}})
    library.embed(tmp_path / ".prune", str(tmp_path / "data"), encoder="pixels")
    library.select(tmp_path / ".prune", method="random", count=2)
    with pytest.raises(OptionError, match="wids numbers the samples of a.tar in another way"):
        library.export(tmp_path / ".prune", format="wids", out=tmp_path / "out")


def test_datacomp_finds_sorted_pairs(made: Path, tmp_path: Path) -> None:
    out = exported(made, "datacomp", tmp_path / "out")
    found = np.load(out / "uids.npy")
    uids = sorted(json.loads(sample(n)["json"])["uid"] for n in KEPT)
    assert found.dtype == np.dtype("u8,u8")
    assert [(int(uid[:16], 16), int(uid[16:], 16)) for uid in uids] == found.tolist()


def test_datacomp_takes_another_field_and_says_which_sample_has_none(
    made: Path, tmp_path: Path, prune: Prune
) -> None:
    with pytest.raises(DataError, match="has no field 'none'"):
        library.export(made / ".prune", format="datacomp", out=tmp_path / "out", options={"uid": "none"})
    said = prune(
        "export", "--store", made / ".prune", "--format", "datacomp", "--uid", "n", "--out", tmp_path / "o"
    )
    assert said.code == 3
    assert "has '1' in 'n', and a uid of DataComp is 32 hexadecimal digits" in said.err


@pytest.mark.parametrize("form", ["dali", "energon", "wids"])
def test_only_shards_have_an_index(form: str, images: Path, tmp_path: Path) -> None:
    library.embed(tmp_path / "s", str(images), encoder="pixels")
    library.select(tmp_path / "s", method="random", count=2)
    with pytest.raises(OptionError, match="is an index over tar shards") as caught:
        library.export(tmp_path / "s", format=form, out=tmp_path / "out")
    assert caught.value.hint.startswith("prune export --format webdataset")


@pytest.mark.parametrize("form", ["dali", "energon", "wids", "datacomp"])
def test_it_is_whole_the_same_again_and_verified(form: str, made: Path, tmp_path: Path) -> None:
    first, second = exported(made, form, tmp_path / "a"), exported(made, form, tmp_path / "b")
    held = {p.relative_to(first): p.read_bytes() for p in first.rglob("*") if p.is_file()}
    assert held == {p.relative_to(second): p.read_bytes() for p in second.rglob("*") if p.is_file()}
    assert library.verify(str(first))["exit_code"] == 0
    assert library.export(made / ".prune", format=form, out=first)["unchanged"]
