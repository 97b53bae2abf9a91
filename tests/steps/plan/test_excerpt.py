"""An excerpt has the form of its dataset, and about as many samples as were asked for."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.errors import OptionError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.steps.plan import excerpt as excerpt_module
from prune.steps.plan.excerpt import DatasetFiles

N, ROWS = 60, 16


def _png(number: int) -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(held, "PNG")
    return held.getvalue()


def _folder(home: Path) -> Path:
    for number in range(N):
        path = home / "images" / f"c{number % 3}" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(number))
    return home / "images"


def _shards(home: Path) -> Path:
    (home / "shards").mkdir()
    for shard in range(2):
        with tarfile.open(home / "shards" / f"{shard}.tar", "w") as out:
            for number in range(N // 2):
                for suffix, held in (("png", _png(number)), ("cls", str(number % 3).encode())):
                    about = tarfile.TarInfo(f"{shard}-{number:03}.{suffix}")
                    about.size = len(held)
                    out.addfile(about, io.BytesIO(held))
    return home / "shards"


def _table() -> pa.Table:
    images = [{"bytes": _png(number), "path": None} for number in range(N)]
    return pa.table({"image": images, "label": [number % 3 for number in range(N)]})


def _parquet(home: Path) -> Path:
    (home / "tables").mkdir()
    pq.write_table(_table(), home / "tables" / "train-00000-of-00001.parquet", row_group_size=10)
    return home / "tables"


def _npy(home: Path) -> Path:
    np.save(home / "x.npy", np.arange(N * 2, dtype=np.float32).reshape(N, 2))
    np.save(home / "x_labels.npy", np.arange(N) % 3)
    return home / "x.npy"


def _lines(count: int = N) -> bytes:
    return b"".join(
        json.dumps({"text": f"the words of {number}", "label": number % 3}).encode() + b"\n"
        for number in range(count)
    )


def _jsonl(home: Path) -> Path:
    path = home / "x.jsonl.zst"
    path.write_bytes(pa.compress(_lines(), "zstd", asbytes=True))
    return path


def _csv(home: Path) -> Path:
    path = home / "x.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"".join(b"some words,1\n" for _ in range(N))))
    return path


def _json(home: Path) -> Path:
    path = home / "x.json"
    path.write_text(json.dumps({"data": [json.loads(line) for line in _lines().splitlines()]}))
    return path


def _txt(home: Path) -> Path:
    (home / "texts").mkdir()
    for name in ("good", "bad"):
        (home / "texts" / f"{name}.txt").write_text("".join(f"a line {row}\n" for row in range(N // 2)))
    return home / "texts"


FORMS = [_folder, _shards, _parquet, _npy, _jsonl, _csv, _json, _txt]


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__[1:])
def test_an_excerpt_is_a_dataset_of_the_same_form(make: Callable[[Path], Path], tmp_path: Path) -> None:
    reader = open_reader(str(make(tmp_path)))
    found = DatasetFiles.of(reader).excerpt(tmp_path / "excerpt", ROWS)
    again = open_reader(str(found.path), as_=found.format)
    dataset = scan(again, tmp_path / "none", SILENT, keep=False)
    whole = scan(reader, tmp_path / "none", SILENT, keep=False)
    assert ROWS <= len(dataset) <= ROWS + 2
    assert again.format == reader.format
    assert not dataset.rejects
    assert set(dataset.samples["digest"].to_pylist()) <= set(whole.samples["digest"].to_pylist())
    assert len(set(dataset.labels.tolist())) == len(set(whole.labels.tolist()))
    assert 0 < found.bytes <= DatasetFiles.of(reader).bytes


@pytest.mark.parametrize(
    ("make", "count"), [(_folder, N), (_parquet, N), (_npy, N), (_shards, None), (_jsonl, None)]
)
def test_headers_and_names_tell_how_many_there_are(
    make: Callable[[Path], Path], count: int | None, tmp_path: Path
) -> None:
    assert DatasetFiles.of(open_reader(str(make(tmp_path)))).samples == count


def test_all_of_a_small_dataset_is_its_excerpt(tmp_path: Path) -> None:
    reader = open_reader(str(_jsonl(tmp_path)))
    found = DatasetFiles.of(reader).excerpt(tmp_path / "excerpt", 10 * N)
    dataset = scan(open_reader(str(found.path)), tmp_path / "none", SILENT, keep=False)
    assert len(dataset) == N


def test_a_large_array_of_json_cannot_be_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt_module, "_WHOLE", 100)
    with pytest.raises(OptionError, match="too large to be measured as a whole"):
        DatasetFiles.of(open_reader(str(_json(tmp_path)))).excerpt(tmp_path / "excerpt", ROWS)
