"""A damaged shard fails a command, also with `--on-error skip`; `--skip-shards` leaves it out and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from prune.store import Store

PIXELS = ("--encoder", "pixels", "--workers", "0")
SKIP = (*PIXELS, "--skip-shards")


def tars(make: Any, root: Path) -> list[Path]:
    return [make.tar(root / f"{i}.tar", make.pairs(range(3 * i, 3 * i + 3))) for i in range(4)]


def tables(make: Any, root: Path) -> list[Path]:
    pieces = [make.table(12).slice(3 * i, 3) for i in range(4)]
    return sorted(make.parquet(root, *pieces).iterdir())


@pytest.fixture(params=[tars, tables], ids=["tar", "parquet"])
def shards(request: pytest.FixtureRequest, make: Any, elsewhere: Path) -> list[Path]:
    """Four shards of three samples."""
    return request.param(make, elsewhere / "in")


@pytest.mark.parametrize("damage", [lambda _d: b"", lambda _d: b"x" * 999, lambda d: d[:2000]])
@pytest.mark.parametrize("place", [0, 2])
def test_a_damaged_shard_is_left_out_only_where_the_user_says_so(
    place: int, damage: Callable[[bytes], bytes], shards: list[Path], prune: Any, tally: Any
) -> None:
    shards[place].write_bytes(damage(shards[place].read_bytes()))
    for more in ((), ("--on-error", "skip", "--max-bad", 1)):
        said = prune("embed", *PIXELS, *more, "in")
        assert said.code == 3
        assert shards[place].name in said.err
    said = prune("embed", *SKIP, "--json", "in")
    assert said.code == 0, said.err
    assert f"1 of 4 shards cannot be read and are left out: {shards[place].name}" in said.err
    assert [*json.loads(said.out)["skipped_shards"]] == [shards[place].name]
    dataset = Store(".prune").dataset
    assert len(dataset) == 9
    assert [*dataset.skipped] == [shards[place].name]
    assert str(shards[place].parent) not in json.dumps(dict(dataset.skipped))
    assert json.loads(Path(".prune/rejects.json").read_text())[0]["shard"] == shards[place].name
    assert f"left out: {shards[place].name}, which " in prune("status").out
    assert prune("embed", *PIXELS).code == 0  # it is remembered, where no data is named
    said = prune("verify")
    assert (said.code, ".prune is whole" in said.out) == (0, True), said.out
    assert prune("select", "--count", 4).code == 0
    for form in ("webdataset", "imagefolder"):
        assert prune("export", "--format", form, "--out", form).code == 0
    assert prune("export", "--format", "parquet", "--out", "out").code == 0
    about = json.loads(Path("out/.prune-export/selection.json").read_text())
    assert [*about["skipped_shards"]] == [shards[place].name]
    assert sum(pq.read_metadata(file).num_rows for file in Path("out/data").iterdir()) == 4
    tally("Hostile and broken input", "damaged shards", "refused", 2)
    tally("Hostile and broken input", "damaged shards", "left out", 1)


def test_all_damaged_shards_are_named_at_once(shards: list[Path], prune: Any) -> None:
    for shard in shards[1:3]:
        shard.write_bytes(shard.read_bytes()[:1500])
    said = prune("embed", *PIXELS, "in", "--json")
    assert said.code == 3
    if shards[0].suffix == ".tar":  # a table needs the rows of all files before it reads one
        assert "2 of 4 shards cannot be read" in said.err
        assert [row["key"] for row in json.loads(said.out)["rejects"]] == ["1.tar", "2.tar"]
        assert [row["shard"] for row in json.loads(Path(".prune/rejects.json").read_text())] == [
            "1.tar",
            "2.tar",
        ]
    for shard in shards:
        shard.write_bytes(b"x" * 99)
    assert prune("embed", *SKIP, "in").code == 3


def test_a_shard_that_can_be_read_again_is_stale(shards: list[Path], prune: Any) -> None:
    good = shards[1].read_bytes()
    shards[1].write_bytes(good[:1500])
    assert prune("embed", *SKIP, "in").code == 0
    shards[1].write_bytes(good)
    said = prune("select", "--count", 2)
    assert (said.code, f"{shards[1].name} can be read now" in said.err) == (4, True), said.err
    shards[1].write_bytes(good[:1500])
    assert prune("select", "--count", 2).code == 0
    shards[2].write_bytes(shards[2].read_bytes()[:1500])
    said = prune("select", "--count", 2)
    assert (said.code, f"{shards[2].name} cannot be read any more" in said.err) == (4, True), said.err


def test_a_dataset_without_shards_has_none_to_skip(make: Any, prune: Any, elsewhere: Path) -> None:
    make.folder(elsewhere / "in")
    said = prune("embed", *SKIP, "in")
    assert said.code == 2
    assert "imagefolder has no --skip-shards" in said.err


def test_nothing_changes_where_no_shard_is_damaged(shards: list[Path], prune: Any) -> None:
    assert prune("embed", *PIXELS, "in", "--store", "a").code == 0
    assert prune("embed", *SKIP, "in", "--store", "b").code == 0
    assert Store("a").dataset.fingerprint == Store("b").dataset.fingerprint
