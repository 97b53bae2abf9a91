"""Copies of images have a suffix that readers list, where their bytes do; the bytes stay as they are."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from prune.core.progress import Silent


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def picture(number: int, form: str = "JPEG") -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (8, 8), (number * 7 % 256, number, 255 - number)).save(sink, form)
    return sink.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    def make(files: dict[str, bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "data"

    return make


def names_in(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("photo", "JPEG", "photo.jpg"),
        ("1.jpg?w=300", "JPEG", "1.jpg"),
        ("1.JPG:large", "PNG", "1.png"),
        ("2.jfif", "JPEG", "2.jpg"),
        ("2.jpe", "JPEG", "2.jpg"),
        ("3.gif", "WEBP", "3.webp"),
        ("3.avif", "TIFF", "3.tiff"),
        ("3.pnm", "PPM", "3.ppm"),
        ("of 2024.05", "BMP", "of 2024.05.bmp"),
        ("4.jpgx", "PNG", "4.jpgx.png"),
        ("5.jpeg", "PNG", "5.jpeg"),  # a suffix that is listed is believed by readers, whatever it says
        ("5.TIF", "TIFF", "5.TIF"),
        ("6.gif", "GIF", "6.gif"),
    ],
)
def test_a_name(
    name: str, form: str, expected: str, data: Any, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    files = {f"cat/{name}": picture(3, form), "cat/other.png": picture(4, "PNG")}
    run(make_job_of(data(files)), "imagefolder", tmp_path / "out")
    assert names_in(tmp_path / "out") == {f"cat/{expected}", "cat/other.png"}
    assert (tmp_path / "out/cat" / expected).read_bytes() == picture(3, form)


def test_a_name_of_another_sample_is_not_taken(data: Any, make_job_of: Any, run: Any, tmp_path: Path) -> None:
    """Also not that of a dropped one: whoever looks it up in the source would find the wrong picture."""
    names = ["1.jpg", "1.jpg?w=300", "1.jpg?w=600", "2", "2.JPG", "2.jpe"]
    files = {f"cat/{name}": picture(at) for at, name in enumerate(names)}
    job = make_job_of(data(files))
    keys = job.dataset.keys
    kept = [keys.index(f"cat/{name}") for name in names if name != "1.jpg"]
    run(dataclasses.replace(job, rows=job.rows[sorted(kept)]), "imagefolder", tmp_path / "out")
    found = {path.read_bytes(): path.name for path in (tmp_path / "out/cat").iterdir()}
    assert [found[files[f"cat/{name}"]] for name in names[1:]] == [
        *("1.jpg?w=300.jpg", "1.jpg?w=600.jpg", "2_2.jpg", "2.JPG", "2.jpe.jpg"),
    ]
    assert len(ImageFolder(str(tmp_path / "out"))) == 5
    rows = csv.DictReader((tmp_path / "out.prune/renamed.csv").read_text().splitlines())
    listed = {row["key"]: row["file_name"] for row in rows}
    assert listed["cat/1.jpg?w=600"] == "cat/1.jpg?w=600.jpg"
    assert "cat/2.JPG" not in listed


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_metadata_and_weights_name_them_so(
    suffix: str, data: Any, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    rows = [{"file_name": f"sub/{name}", "caption": f"of {name}"} for name in ("a", "b.png", "c.jfif")]
    root = data({f"cat/sub/{n}": picture(at) for at, n in enumerate(("a", "b.png", "c.jfif"))})
    if suffix == "csv":
        lines = ["file_name,caption", *(f"{row['file_name']},{row['caption']}" for row in rows)]
        (root / "cat/metadata.csv").write_text("\n".join(lines))
    elif suffix == "jsonl":
        (root / "cat/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), root / "cat/metadata.parquet")
    (root / "cat/sub/a.txt").write_text("beside")
    said = Heard()
    run(dataclasses.replace(make_job_of(root), reporter=said), "imagefolder", tmp_path / "out")
    again = make_job_of(tmp_path / "out")
    found = {key: row["caption"] for key, row in again.reader.metadata["cat"].by_key.items()}
    assert found == {"cat/sub/a.jpg": "of a", "cat/sub/b.png": "of b.png", "cat/sub/c.jpg": "of c.jfif"}
    assert (tmp_path / "out/cat/sub/a.txt").read_text() == "beside"
    assert said.said == [
        "2 files have the suffix of the bytes, which readers go by: cat/sub/a is cat/sub/a.jpg,"
        f" cat/sub/c.jfif is cat/sub/c.jpg; {tmp_path / 'out.prune/renamed.csv'} has all"
    ]


def test_what_no_suffix_helps_is_named(data: Any, make_job_of: Any, run: Any, tmp_path: Path) -> None:
    files = {f"cat/{i}.gif": picture(i, "GIF") for i in range(4)} | {"dog/1.png": picture(9, "PNG")}
    said = Heard()
    run(dataclasses.replace(make_job_of(data(files)), reporter=said), "imagefolder", tmp_path / "out")
    assert said.said == [
        "4 of 5 files are not read by torchvision's ImageFolder, which goes by the suffix (4 .gif):"
        " cat/0.gif, cat/1.gif, cat/2.gif, …; --format parquet, or webdataset, has them all",
        "classes of which ImageFolder reads nothing: cat; it needs allow_empty=True",
    ]
    assert ImageFolder(str(tmp_path / "out"), allow_empty=True).classes == ["cat", "dog"]


@pytest.mark.parametrize("link", ["hard", "sym"])
def test_links_keep_their_names(link: str, data: Any, make_job_of: Any, run: Any, tmp_path: Path) -> None:
    root = data({"cat/photo": picture(1), "cat/b.png": picture(2)})
    run(make_job_of(root), "imagefolder", tmp_path / "out", link=link)
    assert names_in(tmp_path / "out") == {"cat/photo", "cat/b.png"}
    assert not (tmp_path / "out.prune/renamed.csv").exists()
