"""Answers that are slow, or another object's: asked again, or refused; and what is fetched of shards."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import DataError
from prune.system import contents
from prune.system.object_stores import file_systems
from prune.system.object_stores.listing import mirrored

from .test_reading import bytes_below, chain, picture

DATA = bytes(range(256)) * 64  # four blocks


@pytest.mark.parametrize("line", ["GET bytes=", "HEAD x.bin"])
def test_a_slow_answer_is_asked_for_again(
    bucket: str, outside: Any, faults: Any, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    outside.pipe_file(f"{bucket}/x.bin", DATA)
    monkeypatch.setattr(file_systems, "_READ", 1.0)
    faults.on(line, "silent", "silent")
    assert contents.whole(mirrored(f"{bucket}/x.bin")) == DATA
    assert faults.waiting == []


def test_bytes_that_come_with_another_etag_are_refused(bucket: str, outside: Any, faults: Any) -> None:
    outside.pipe_file(f"{bucket}/x.bin", DATA)
    content = contents.opened(mirrored(f"{bucket}/x.bin"))
    assert content.read(0, 10) == DATA[:10]
    faults.on("GET bytes=", "other")
    with pytest.raises(DataError, match=r"x\.bin changed while it was read"):
        content.read(8000, 5000)


def write_large(folder: Path) -> None:
    """A shard of samples of fifty blocks each: a picture, a caption and JSON, then what nobody asks for."""
    folder.mkdir()
    with tarfile.open(folder / "0.tar", "w") as tar:
        for number in range(6):
            members = {"png": picture(number), "txt": b"number %d" % number, "cls": b"%d" % (number % 2)}
            members |= {"json": b'{"n": %d}' % number, "bin": bytes(200_000)}
            for suffix, data in members.items():
                info = tarfile.TarInfo(f"{number}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("form", ["dali", "wids", "energon"])
def test_an_index_over_shards_of_a_bucket_fetches_few_of_their_bytes(
    elsewhere: Path, bucket: str, outside: Any, faults: Any, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    write_large(Path("large"))
    outside.put("large/", f"{bucket}/large/", recursive=True)
    monkeypatch.setenv("PRUNE_CACHE_SIZE", "0")
    for store, place in (("near", "large"), ("far", f"{bucket}/large")):
        pipeline.embed(store, place, encoder="pixels")
        pipeline.select(store, method="random", count=3, name="some")
        faults.asked.clear()
        pipeline.export(store, format=form, out=f"from-{store}")
    spans = [re.search(r"bytes=(\d+)-(\d+)", line) for line in faults.asked]
    fetched = sum(int(span[2]) + 1 - int(span[1]) for span in spans if span)
    assert fetched < Path("large/0.tar").stat().st_size / 2
    assert set(bytes_below("from-near")) == set(bytes_below("from-far"))


def test_the_chain_with_slow_answers_equals_the_one_from_here(
    elsewhere: Path, bucket: str, outside: Any, faults: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_large(Path("large"))
    outside.put("large/", f"{bucket}/large/", recursive=True)
    monkeypatch.setattr(file_systems, "_READ", 1.0)
    faults.on("GET bytes=", "silent", *["other"] * 9)  # a look at the form of the data passes over errors
    with pytest.raises(DataError, match="changed while it was read"):
        chain(f"{bucket}/large", "shards", "there", "from-there")
    faults.waiting.clear()
    faults.on("GET bytes=", "silent", "drop")
    chain(f"{bucket}/large", "shards", "there", "from-there")
    chain("large", "shards", "here", "from-here")
    assert bytes_below("from-there") == bytes_below("from-here")
