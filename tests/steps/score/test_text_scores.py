"""Scores of texts: nothing is trained, what was written is not read again, and images are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from prune import pipeline
from prune.core.errors import OptionError
from prune.readers import open_reader
from prune.store import Store
from prune.store.column import ColumnWriter


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Two files of texts, of one line that is none."""
    rows = [{"text": "word " * (1 + row % 7), "label": row % 2} for row in range(40)]
    (tmp_path / "data").mkdir()
    for name, part in (("a", rows[:25]), ("b", rows[25:])):
        text = "\n".join(json.dumps(row) for row in part)
        (tmp_path / "data" / f"{name}.jsonl").write_text(text + "\n")
    return tmp_path / "data"


def test_length_trains_nothing(lines: Path, tmp_path: Path) -> None:
    done = pipeline.score(tmp_path / "s", str(lines), types=["length"])
    store = Store(tmp_path / "s")
    assert store.column("score.length").read().tolist() == [5 * (1 + row % 7) for row in range(40)]
    assert store.columns == ["score.length"]
    assert done["scores"]["length"]["high"] == "long"
    pipeline.score(tmp_path / "s", types=["length"], options={"unit": "words"})
    assert store.column("score.length").read().tolist() == [1 + row % 7 for row in range(40)]
    chosen = pipeline.select(tmp_path / "s", method="top", score="length", count=5)
    assert chosen["k"] == 5


def test_what_was_written_is_not_read_again(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Store.write_column.__kwdefaults__, "part_rows", 16)
    read: list[str] = []
    reader = type(open_reader(str(lines)))
    payloads = reader.payloads

    def watched(self: Any, samples: pa.Table) -> Iterator[str]:
        read.extend(samples["key"].to_pylist())
        return payloads(self, samples)

    def breaks(self: ColumnWriter, part: Any, values: np.ndarray, *rest: Any) -> None:
        if part.number == 1:
            raise KeyboardInterrupt
        put(self, part, values, *rest)

    put = ColumnWriter.put
    monkeypatch.setattr(reader, "payloads", watched)
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(ColumnWriter, "put", breaks)
        pipeline.score(tmp_path / "s", str(lines), types=["length"])
    read.clear()
    pipeline.score(tmp_path / "s", types=["length"])
    assert len(read) == 24
    assert len(Store(tmp_path / "s").column("score.length").read()) == 40
    read.clear()
    assert pipeline.score(tmp_path / "s", types=["length"])["unchanged"]
    assert read == []


def test_a_line_that_is_no_text_has_no_score(lines: Path, tmp_path: Path) -> None:
    from prune.steps.settings import Settings

    (lines / "c.jsonl").write_text('{"text": "fine"}\n{"text": 3}\n')
    settings = Settings(on_error="skip", max_bad=0.5)
    pipeline.score(tmp_path / "s", str(lines), types=["length"], settings=settings)
    scores = Store(tmp_path / "s").column("score.length").read()
    assert np.flatnonzero(np.isnan(scores)).tolist() == [41]
    assert scores[40] == 4


def test_images_have_no_length(images: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="length looks at texts, and the dataset is of images") as caught:
        pipeline.score(tmp_path / "s", str(images), types=["length"])
    assert caught.value.hint == "prune methods scores"
