"""What lies in a compressed tar, by its first members."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from prune.readers.foreign import peek

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def tar_of(names: list[str], size: int = 600) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as out:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = size
            out.addfile(info, io.BytesIO(bytes(size)))
    return sink.getvalue()


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize(
    ("names", "root"),
    [
        (["top/a/1.png", "top/b/2.png"], "top"),
        (["a/1.png", "b/2.png"], ""),
        (["./data/train/a/1.png", f"./data/train/b/{'x' * 150}.png"], "data/train"),
        (["1.png", "1.cls", "2.png", "2.cls"], None),
    ],
)
def test_class_folders_are_told_from_a_shard(
    names: list[str], root: str | None, packing: str, tmp_path: Path
) -> None:
    place = tmp_path / f"x.tar.{packing}"
    place.write_bytes(PACKED[packing](tar_of(names)))
    assert peek.class_root(place) == root


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_was_seen_before_a_cut_counts(share: float, tmp_path: Path) -> None:
    data = gzip.compress(tar_of([f"top/{'ab'[i % 2]}/{i}.png" for i in range(40)], 9000), 0)
    (tmp_path / "x.tar.gz").write_bytes(data[: int(share * len(data))])
    assert peek.class_root(tmp_path / "x.tar.gz") == "top"


def test_the_look_stops_at_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peek, "_BYTES", 4096)
    place = tmp_path / "x.tar.gz"
    place.write_bytes(gzip.compress(tar_of(["top/a/1.png", "top/b/2.png", "c/3.png"], 3000)))
    assert peek.class_root(place) == "top"  # the third begins behind the bound


@pytest.mark.parametrize("data", [b"", b"no tar", bytes(2000), b"\xff" * 2000])
def test_what_is_no_tar_has_no_classes(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(data))
    assert peek.class_root(tmp_path / "x.tar.gz") is None
