"""A scratch folder is gone with its block, also when that fails; what a killed one left is listed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune.core.errors import OutputError
from prune.store.removal import left_in
from prune.system.scratch import scratch_folder


def test_it_is_gone_with_its_block(tmp_path: Path) -> None:
    with pytest.raises(KeyError), scratch_folder(tmp_path) as folder:
        (folder / "rows.npy").write_bytes(b"rows")
        assert left_in(tmp_path) == [folder]
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_what_it_holds_is_listed_with_it(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / ".prune-half.tmp").write_bytes(b"half")
        (tmp_path / ".prune-other.tmp").write_bytes(b"half")
        assert left_in(tmp_path) == sorted([folder, tmp_path / ".prune-other.tmp"])


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write to"), scratch_folder(place):
        pass
