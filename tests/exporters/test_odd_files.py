"""Folders as people have them: odd pictures and names, links, nested metadata; in every format, read back."""

from __future__ import annotations

import csv
import datetime
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

Facts = Counter[tuple[bytes, int, str]]  # bytes, class id, caption: how often

LONG = "l" * 180
NAMES = [
    "sp ace é.png",
    unicodedata.normalize("NFD", "né.png"),
    f"{LONG}.png",
    "A.png",
    "a.png",
    "a.PNG",
    "=cmd().png",
    "1.2.3.png",
    "#%&'.png",
    "con.png",
]


pytestmark = pytest.mark.usefixtures("other_libraries")


def encoded(image: Image.Image, form: str = "PNG", **more: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, form, **more)
    return sink.getvalue()


def odd_pictures() -> dict[str, bytes]:
    """CMYK, 16 bits, turned by EXIF, large, palette with transparency, one pixel, a picture of two frames."""
    draw = np.random.default_rng(0).integers
    colour = Image.fromarray(draw(0, 256, (9, 7, 3), np.uint8))
    turned = Image.Exif()
    turned[0x112] = 6
    return {
        "cmyk.jpg": encoded(colour.convert("CMYK"), "JPEG"),
        "deep.png": encoded(Image.fromarray(draw(0, 65536, (9, 7), np.uint16))),
        "deep.tif": encoded(Image.fromarray(draw(0, 65536, (9, 7), np.uint16)), "TIFF"),
        "turned.jpg": encoded(colour, "JPEG", exif=turned),
        "large.png": encoded(Image.new("RGB", (3000, 2000), (3, 4, 5))),
        "palette.png": encoded(colour.quantize(4), transparency=0),
        "pixel.png": encoded(colour.crop((0, 0, 1, 1))),
        "frames.webp": encoded(colour, "WEBP", save_all=True, append_images=[colour.rotate(180)]),
    }


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, Facts]:
    """Four classes and what is right for them."""
    root, right = tmp_path / "data", Facts()

    def put(name: str, data: bytes, label: int, caption: str = "") -> str:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
        right[data, label, caption] += 1
        return name.rpartition("/")[2]

    numbers = iter(range(1000))
    plain = lambda: encoded(Image.new("RGB", (6, 5), (next(numbers), 7, 9)))  # noqa: E731
    for name, data in odd_pictures().items():
        put(f"Odd 1/{name}", data, 0)
    rows = [(put(f"cat/{name}", plain(), 1, f"of {name}"), f"of {name}") for name in NAMES]
    with (root / "cat/metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "caption"), *rows])
    lines = [{"file_name": f"deep/{i}.png", "caption": f"dög {i}", "n": i} for i in range(3)]
    for line in lines:
        put(f"dog/{line['file_name']}", plain(), 2, str(line["caption"]))
    (root / "dog/metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    times = [datetime.datetime(2024, 1, 2, 3, i) for i in range(3)]
    for i in range(3):
        put(f"emu/{i}.png", plain(), 3, f"emu {i}")
    table = {"file_name": [f"{i}.png" for i in range(3)], "caption": [f"emu {i}" for i in range(3)]}
    pq.write_table(pa.table(table | {"when": times}), root / "emu/metadata.parquet")
    (tmp_path / "else").mkdir()
    for i in range(3):
        (tmp_path / f"else/{i}.png").write_bytes(plain())
        right[(tmp_path / f"else/{i}.png").read_bytes(), 4, ""] += 1
    (root / "fox").symlink_to("../else")
    (root / "dog/linked.png").symlink_to("../../else/0.png")
    right[(tmp_path / "else/0.png").read_bytes(), 2, ""] += 1
    return root, right


def caption(text: bytes | str | None) -> str:
    return json.loads(text).get("caption", "") if text else ""


def by_torchvision(out: Path) -> Facts:
    found = {Path(name): label for name, label in ImageFolder(str(out)).samples}
    captions: dict[Path, str] = {}
    for path in out.rglob("metadata.*"):
        if path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
        elif path.suffix == ".csv":
            rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
        else:
            rows = [json.loads(line) for line in path.read_text().splitlines()]
        captions |= {path.parent / row["file_name"]: row["caption"] for row in rows if row.get("caption")}
    return Facts((path.read_bytes(), label, captions.get(path, "")) for path, label in found.items())


def by_webdataset(workers: int) -> Callable[[Path], Facts]:
    def read(out: Path) -> Facts:
        import torch
        import webdataset as wds

        shards = wds.WebDataset(sorted(map(str, out.glob("*.tar"))), shardshuffle=False)
        loader = torch.utils.data.DataLoader(shards, batch_size=None, num_workers=workers)
        suffixes = ("png", "jpg", "tiff", "webp")
        return Facts(
            (next(s[n] for n in suffixes if n in s), int(s["cls"]), caption(s.get("json"))) for s in loader
        )

    return read


def by_datasets(load: Callable[..., Any], **more: Any) -> Callable[[Path], Facts]:
    def read(out: Path) -> Facts:
        given = {name: str(out.with_name(value)) for name, value in more.items()}
        table = load(str(out), **given)["train"].cast_column("image", datasets.Image(decode=False))
        return Facts((row["image"]["bytes"], row["label"], row["caption"] or "") for row in table)

    return read


@pytest.mark.parametrize(
    ("form", "options", "readers"),
    [
        ("imagefolder", {}, [by_torchvision]),
        ("imagefolder", {"link": "hard"}, [by_torchvision]),
        ("imagefolder", {"link": "sym"}, [by_torchvision]),
        ("webdataset", {}, [by_webdataset(0), by_webdataset(2), by_webdataset(4)]),
        ("parquet", {}, [by_datasets(datasets.load_dataset, cache_dir="cache")]),
        (
            "huggingface",
            {},
            [by_datasets(datasets.load_dataset, cache_dir="cache"), by_datasets(datasets.load_from_disk)],
        ),
    ],
)
def test_every_format_has_them(
    form: str,
    options: dict[str, str],
    readers: list[Callable[[Path], Facts]],
    folder: tuple[Path, Facts],
    make_job_of: Any,
    run: Any,
    tmp_path: Path,
) -> None:
    root, right = folder
    out = tmp_path / "one/level/deeper"  # links of the source are relative to where they lie
    run(make_job_of(root), form, out, **options)
    for read in readers:
        assert read(out) == right


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
def test_and_through_them_back_in_a_folder(
    form: str, folder: tuple[Path, Facts], make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    root, right = folder
    run(make_job_of(root), form, tmp_path / "between")
    job = make_job_of(tmp_path / "between")
    run(job, "imagefolder", tmp_path / "out")
    found = by_torchvision(tmp_path / "out")
    assert Counter((data, label) for data, label, _ in found.elements()) == Counter(
        (data, label) for data, label, _ in right.elements()
    )
    if form == "parquet":  # from shards the columns are the files `.json` beside the images
        assert found == right


def test_a_time_is_written_as_it_is(
    folder: tuple[Path, Facts], make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(make_job_of(folder[0]), "parquet", tmp_path / "out")
    table = pq.read_table(next((tmp_path / "out").rglob("*.parquet")))
    assert {when for when in table["when"].to_pylist() if when} == {
        f"2024-01-02 03:0{i}:00" for i in range(3)
    }


@pytest.mark.parametrize("link", ["hard", "sym", "copy"])
def test_an_export_of_links_is_whole_without_the_links_of_the_source(
    link: str, folder: tuple[Path, Facts], make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    root, _ = folder
    out = tmp_path / "deep/out"
    run(make_job_of(root), "imagefolder", out, link=link)
    kept = (out / "dog/linked.png").read_bytes()
    assert kept == (tmp_path / "else/0.png").read_bytes()
    assert (out / "dog/linked.png").is_symlink() == (link == "sym")
    if link != "sym":
        (root / "dog/linked.png").unlink()
        assert (out / "dog/linked.png").read_bytes() == kept
