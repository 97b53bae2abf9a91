"""Labels that change while they are exported: exit 4, nothing published; once they are back, it goes on."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import StoreError
from prune.core.progress import Advance, Silent
from prune.steps.settings import Settings

Call = Callable[..., Any]
FORMATS = {"webdataset": "webdataset", "parquet": "parquet", "arrow": "huggingface", "arrays": "imagefolder"}


class Meanwhile(Silent):
    """Lets something happen between the scan and the copying."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        if what == "export":
            self.action()
        with super().stage(what, total, unit) as advance:
            yield advance


@pytest.mark.parametrize("rejected", [False, True])
@pytest.mark.parametrize("kind", FORMATS)
def test_labels_that_change_after_the_scan(
    tmp_path: Path, kind: str, rejected: bool, dataset_of: Call, change: Call, content: Call, tally: Call
) -> None:
    store, data = tmp_path / "store", dataset_of(kind, tmp_path / "data")
    pipeline.embed(store, data, encoder="pixels")
    pipeline.select(store, method="random", count=6)
    words = {"format": FORMATS[kind], "rejected": rejected}
    pipeline.export(store, out=tmp_path / "whole", **words)
    shutil.copytree(tmp_path / "data", tmp_path / "kept")
    late = Settings(reporter=Meanwhile(lambda: change(kind, "relabelled", tmp_path / "data")))
    with pytest.raises(StoreError, match=r"stale: .* changed while it was read") as told:
        pipeline.export(store, out=tmp_path / "out", settings=late, **words)
    assert told.value.exit_code == 4
    assert not (tmp_path / "out").exists()
    with pytest.raises(StoreError, match=r"stale: .* changed since .*store was made"):
        pipeline.export(store, out=tmp_path / "out", **words)
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "kept").rename(tmp_path / "data")
    pipeline.export(store, out=tmp_path / "out", **words)
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    tally("Changed data", "changed while a command runs", "cases")
