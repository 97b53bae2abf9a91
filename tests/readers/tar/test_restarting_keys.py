from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from webdataset.tariterators import group_by_keys, tar_file_expander

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan


def shard(path: Path, names: list[str], data: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name in names:
            for suffix, held in (
                ("jpg", f"{data or path}{name}".encode()),
                ("cls", b"1"),
                ("txt", b"t" * 600),
            ):
                info = tarfile.TarInfo(f"{name}.{suffix}")
                info.size = len(held)
                tar.addfile(info, io.BytesIO(held))


def keys(root: Path, tmp_path: Path) -> list[str]:
    dataset = scan(open_reader(str(root)), tmp_path / "scans", SILENT)
    assert not dataset.rejects
    return dataset.keys


@pytest.mark.parametrize("counts", [[3, 3, 3], [3, 1, 2], [1, 3]])
def test_keys_that_restart_begin_with_their_shard(counts, tmp_path):
    for place, count in enumerate(counts):
        shard(tmp_path / "d" / f"train/s-{place}.tar", [f"{row:03d}" for row in range(count)])
    expected = [f"train/s-{p}/{row:03d}" for p, count in enumerate(counts) for row in range(count)]
    assert keys(tmp_path / "d", tmp_path) == expected


def test_keys_that_go_on_stay_as_they_are(tmp_path):
    for place in range(3):
        shard(tmp_path / "d" / f"s-{place}.tar", [f"{3 * place + row:03d}" for row in range(3)])
    assert keys(tmp_path / "d", tmp_path) == [f"{row:03d}" for row in range(9)]


def test_a_key_that_stands_twice_by_chance_is_still_a_reject(tmp_path):
    shard(tmp_path / "d" / "a.tar", [f"a{row}" for row in range(20)])
    shard(tmp_path / "d" / "b.tar", [f"b{row}" for row in range(20)] + ["a0"])
    dataset = scan(open_reader(str(tmp_path / "d")), tmp_path / "scans", SILENT)
    assert dataset.rejects == {40: "duplicate key; first in a.tar"}
    assert dataset.keys[0] == "a0"


def test_a_shard_that_lies_there_twice_is_no_restart(tmp_path):
    for name in ("a.tar", "copy of a.tar"):
        shard(tmp_path / "d" / name, ["0", "1"], "same")
    dataset = scan(open_reader(str(tmp_path / "d")), tmp_path / "scans", SILENT)
    assert dataset.keys == ["0", "1", "0", "1"]
    assert set(dataset.rejects.values()) == {"duplicate key; first in a.tar"}


def test_a_longer_key_is_still_held_to_its_length(tmp_path):
    for place in range(2):
        shard(tmp_path / "d" / f"{'s' * 120}-{place}.tar", ["k" * 95])
    dataset = scan(open_reader(str(tmp_path / "d")), tmp_path / "scans", SILENT)
    assert set(dataset.rejects.values()) == {"the key is over 200 bytes"}


def held_in(*shards: Path) -> dict[str, dict[str, str]]:
    """Read shards as the webdataset library does: a digest of each member, by key."""
    found = {}
    for path in shards:
        with path.open("rb") as stream:
            for sample in group_by_keys(tar_file_expander([{"url": path.name, "stream": stream}])):
                members = {k: hashlib.sha256(v).hexdigest() for k, v in sample.items() if k[0] != "_"}
                found[sample["__key__"]] = members
    return found


@pytest.mark.parametrize("layout", ["mirror", "repack"])
def test_the_keys_are_the_same_after_an_export(layout, tmp_path, prune):
    from PIL import Image

    for place in range(3):
        members = []
        for row in range(4):
            sink = io.BytesIO()
            Image.new("RGB", (8, 8), (60 * place, 60 * row, 9)).save(sink, "png")
            members += [(f"{row:06d}.png", sink.getvalue()), (f"{row:06d}.cls", b"%d" % (row % 2))]
        (tmp_path / "d").mkdir(exist_ok=True)
        with tarfile.open(tmp_path / "d" / f"s-{place}.tar", "w") as tar:
            for name, held in members:
                info = tarfile.TarInfo(name)
                info.size = len(held)
                tar.addfile(info, io.BytesIO(held))
    store = ["--store", str(tmp_path / "store")]
    prune("embed", "--encoder", "pixels", "--workers", "0", str(tmp_path / "d"), *store)
    prune("select", "--count", "5", *store)
    out = tmp_path / "out"
    prune("export", "--format", "webdataset", "--layout", layout, "--out", str(out), *store)
    chosen = (tmp_path / "store/selections/kcenter/keys.txt").read_text().split()
    assert len(chosen) == 5
    assert sorted(held_in(*out.rglob("*.tar"))) == sorted(chosen) == sorted(keys(out, tmp_path / "again"))
    source = {}
    for place in range(3):
        held = held_in(tmp_path / "d" / f"s-{place}.tar")
        source |= {f"s-{place}/{key}": members for key, members in held.items()}
    assert held_in(*out.rglob("*.tar")) == {key: source[key] for key in chosen}
