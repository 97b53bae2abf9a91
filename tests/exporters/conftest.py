"""The same thirteen images, in every format that is read."""

from __future__ import annotations

import csv
import dataclasses
import gc
import io
import json
import tarfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.progress import SILENT
from prune.exporters import EXPORTERS, Exported, ExportJob, export
from prune.readers import open_reader
from prune.readers.scan import scan

CLASSES = ["cat", "dog"]
N = 13
RECORDS = {"indices.npy": b"some rows", "keys.txt": b"a\nb\n"}


@pytest.fixture
def other_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let libraries that read an export leave files to the collector, which then sees little else."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()
    gc.freeze()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores
        yield
        gc.collect()


def picture(number: int) -> bytes:
    """An image of its own for each number."""
    pixels = np.random.default_rng(number).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG" if number % 2 else "BMP")
    return sink.getvalue()


def suffix(number: int) -> str:
    return "png" if number % 2 else "bmp"


def label(number: int) -> int:
    return int(number >= 6)


def write_tar(
    path: Path, members: list[tuple[str, bytes]], global_header: dict[str, str] | None = None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers=global_header or {}) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 12.5  # a float: a PAX record before each member, as the library's writer makes them
            tar.addfile(info, io.BytesIO(data))


def make_imagefolder(root: Path) -> str:
    for i in range(N):
        path = root / CLASSES[label(i)] / f"{i:02d}.{suffix(i)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(i))
    return str(root)


def make_webdataset(root: Path) -> str:
    for shard, rows in {"a/one.tar": range(5), "b/one.tar": range(5, 9), "two.tar": range(9, N)}.items():
        members = []
        for i in rows:
            members += [(f"x/{i:02d}.{suffix(i)}", picture(i)), (f"x/{i:02d}.cls", b"%d" % label(i))]
            members += [(f"x/{i:02d}.seg.json", json.dumps({"i": i}).encode())]
        write_tar(root / shard, members, {"comment": "hello"} if shard == "two.tar" else None)
    return str(root)


def _table(rows: range) -> pa.Table:
    features = {
        "id": {"dtype": "int64", "_type": "Value"},
        "image": {"_type": "Image"},
        "label": {"names": CLASSES, "_type": "ClassLabel"},
        "note": {"dtype": "string", "_type": "Value"},
    }
    schema = pa.schema(
        {
            "id": pa.int64(),
            "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
            "label": pa.int64(),
            "note": pa.string(),
        },
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    lines = [
        {
            "id": i,
            "image": {"bytes": picture(i), "path": f"{i}.{suffix(i)}"},
            "label": label(i),
            "note": f"note {i}",
        }
        for i in rows
    ]
    return pa.Table.from_pylist(lines, schema)


def make_parquet(root: Path) -> str:
    (root / "data").mkdir(parents=True)
    pq.write_table(_table(range(8)), root / "data/train-00000-of-00002.parquet", row_group_size=3)
    pq.write_table(_table(range(8, N)), root / "data/train-00001-of-00002.parquet", row_group_size=3)
    pq.write_table(_table(range(20, 23)), root / "data/test-00000-of-00001.parquet")
    return str(root)


def make_arrow(root: Path) -> str:
    (root).mkdir(parents=True)
    (root / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    for split, pieces in {"train": [range(8), range(8, N)], "test": [range(20, 23)]}.items():
        (root / split).mkdir()
        names = [f"data-{i:05d}-of-{len(pieces):05d}.arrow" for i in range(len(pieces))]
        for name, rows in zip(names, pieces, strict=True):
            table = _table(rows)
            with pa.ipc.new_stream(root / split / name, table.schema) as out:
                out.write_table(table, max_chunksize=3)
        features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        info = {"citation": "cite", "description": "", "features": features, "homepage": "", "license": "MIT"}
        state = {
            "_data_files": [{"filename": name} for name in names],
            "_fingerprint": "0123456789abcdef",
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": split,
        }
        (root / split / "dataset_info.json").write_text(json.dumps(info))
        (root / split / "state.json").write_text(json.dumps(state))
    return str(root)


def make_arrays(root: Path) -> str:
    root.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (N, 5, 7, 3), dtype=np.uint8)
    np.save(root / "images.npy", pixels)
    np.save(root / "labels.npy", np.array([label(i) for i in range(N)]))
    return str(root / "images.npy")


TEXTS = [
    "a good day",
    "=1+1 is no formula here",
    'ärger, “quoted” and "quoted"',
    "a NUL \0 in it",
    "\u202eright to left\u202c",
    "a tab\tand a ,comma",
    " spaces around ",
    "<b>no markup</b> & \x1b[31mno colour",
    "😀 beyond the first plane",
    "-2",
    "None",
    "\u2028 is no line end",
    "the last",
]


def make_jsonl(root: Path) -> str:
    """Two files of lines, one compressed: a mark, an empty line, Windows' line ends, no end at the end."""
    (root / "sub").mkdir(parents=True)
    lines = [json.dumps(_record(i), ensure_ascii=i % 2 == 0).encode() for i in range(N)]
    (root / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join((*lines[:4], b"", *lines[4:8])))
    pieces = pa.compress(b"\n".join((*lines[8:], b"")), "gzip", asbytes=True)
    (root / "sub/b.jsonl.gz").write_bytes(pieces)
    return str(root)


def make_json(root: Path) -> str:
    """Two arrays: one with a mark, indented and in an object; one compressed, without a line end."""
    (root / "sub").mkdir(parents=True)
    whole = {"version": "1.0", "data": [_record(i) for i in range(8)], "end": {"]": 0}}
    (root / "a.json").write_text(json.dumps(whole, ensure_ascii=False, indent=2), encoding="utf-8-sig")
    packed = pa.compress(json.dumps([_record(i) for i in range(8, N)]).encode(), "gzip", asbytes=True)
    (root / "sub/b.json.gz").write_bytes(packed)
    (root / "about.json").write_text('{"text": "no array"}')
    return str(root)


def _record(number: int) -> dict[str, Any]:
    about = {"note": f"note {number}", "deep": {"n": [number]}}
    return {"id": f"k{number}", "text": TEXTS[number], "label": ["neg", "pos"][label(number)], **about}


def make_csv(root: Path) -> str:
    """Two files of other dialects, one compressed, with a line end and quotes in cells."""
    root.mkdir(parents=True)
    for name, rows, dialect in (("a.csv", range(8), "excel"), ("b.tsv.gz", range(8, N), "unix")):
        sink = io.StringIO()
        out = csv.writer(sink, dialect, delimiter="\t" if "tsv" in name else ",")
        out.writerow(["id", "text", "label", "note"])
        out.writerows(
            [f"k{i}", f"{TEXTS[i]}\r\n2" if i == 3 else TEXTS[i], ["neg", "pos"][label(i)], f"note {i}"]
            for i in rows
        )
        data = sink.getvalue().encode()
        data = pa.compress(data, "gzip", asbytes=True) if name.endswith(".gz") else data
        (root / name).write_bytes(data)
    return str(root)


def make_txt(root: Path) -> str:
    """A file a class; one without a line end at its end."""
    root.mkdir(parents=True)
    (root / "neg.txt").write_text("\n".join(TEXTS[:6]), encoding="utf-8", newline="")
    (root / "pos.txt").write_text("".join(f"{text}\r\n" for text in TEXTS[6:]), encoding="utf-8", newline="")
    return str(root)


def make_text_parquet(root: Path) -> str:
    root.mkdir(parents=True)
    for at, rows in enumerate((range(8), range(8, N))):
        columns = {
            "id": [f"k{i}" for i in rows],
            "review": TEXTS[rows.start : rows.stop],
            "label": [["neg", "pos"][label(i)] for i in rows],
            "note": [f"note {i}" for i in rows],
        }
        pq.write_table(pa.table(columns), root / f"train-{at}.parquet")
    return str(root)


def make_text_shards(root: Path) -> str:
    root.mkdir(parents=True)
    (root / "classnames.txt").write_text("neg\npos\n")
    for at, rows in enumerate((range(8), range(8, N))):
        members = []
        for i in rows:
            members += [(f"k{i}.txt", TEXTS[i].encode()), (f"k{i}.cls", b"%d" % label(i))]
            members += [(f"k{i}.json", json.dumps({"note": f"note {i}"}).encode())]
        write_tar(root / f"{at:06d}.tar", members)
    return str(root)


MAKERS = {
    "text-shards": make_text_shards,
    "jsonl": make_jsonl,
    "json": make_json,
    "csv": make_csv,
    "txt": make_txt,
    "text-parquet": make_text_parquet,
    "imagefolder": make_imagefolder,
    "webdataset": make_webdataset,
    "parquet": make_parquet,
    "arrow": make_arrow,
    "arrays": make_arrays,
}


def open_job(data: str, scans: Path, rows: object = None, **options: object) -> ExportJob:
    reader = open_reader(data, **options)
    dataset = scan(reader, scans, SILENT)
    assert dataset.rejects == {}
    chosen = np.arange(len(dataset)) if rows is None else np.asarray(rows)
    return ExportJob(reader, dataset, chosen.astype(np.int64), records=RECORDS)


KEPT = [0, 1, 4, 6, 7, 9, 12]


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., ExportJob]:
    def make(kind: str, rows: object = KEPT) -> ExportJob:
        as_ = {
            "parquet": "huggingface",
            "arrow": "huggingface",
            "text-parquet": None,
            "text-shards": None,
        }.get(kind, kind)
        root = tmp_path / f"source-{kind}"
        options = {"labels": str(root / "labels.npy")} if kind == "arrays" else {}
        data = str(root / "images.npy") if kind == "arrays" else str(root)
        if not root.exists():
            MAKERS[kind](root)
        return open_job(data, tmp_path / "scans", rows, as_=as_, **options)

    return make


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[..., ExportJob]:
    def make(out: Path, as_: str | None = None) -> ExportJob:
        return open_job(str(out), tmp_path / "scans", as_=as_)

    return make


@pytest.fixture
def png() -> Callable[[int], bytes]:
    return picture


@pytest.fixture
def make_job_of(tmp_path: Path) -> Callable[..., ExportJob]:
    """A job of all samples of what a user may type."""
    return lambda data, **options: open_job(str(data), tmp_path / "scans", **options)


@pytest.fixture
def run() -> Callable[..., Exported]:
    def run_export(
        job: ExportJob, name: str, out: Path, overwrite: bool = False, **options: object
    ) -> Exported:
        return export(job, EXPORTERS[name], out, options=options, overwrite=overwrite)

    return run_export


def _tree(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes | str]]:
    """Every file of a folder."""
    return _tree


@pytest.fixture
def with_records() -> Callable[[ExportJob, dict[str, bytes]], ExportJob]:
    return lambda job, records: dataclasses.replace(job, records=records)


def _relabel(kind: str, root: Path) -> Path:
    """Replace a file by one with the same images that says otherwise of them; return it."""
    new = root / "new"
    if kind == "webdataset":
        path = root / "b/one.tar"
        with tarfile.open(path) as tar:
            members = [(m.name, tar.extractfile(m).read()) for m in tar]
        write_tar(
            new, [(name, b"0" if data == b"1" else b"1" if data == b"0" else data) for name, data in members]
        )
    elif kind == "parquet":
        path = root / "data/train-00001-of-00002.parquet"
        pq.write_table(_other(pq.read_table(path)), new, row_group_size=3)
    elif kind == "arrow":
        path = root / "train/data-00001-of-00002.arrow"
        table = _other(pa.ipc.open_stream(path.read_bytes()).read_all())
        with pa.ipc.new_stream(new, table.schema) as out:
            out.write_table(table, max_chunksize=3)
    elif kind == "jsonl":
        path = root / "a.jsonl"
        new.write_bytes(path.read_bytes().replace(b'"label": "neg"', b'"label": "pos"'))
    else:
        path = root / "labels.npy"
        np.save(root / "new.npy", 1 - np.load(path))
        (root / "new.npy").rename(new)
    new.rename(path)
    return path


def _other(table: pa.Table) -> pa.Table:
    labels = pa.array([1 - value for value in table["label"].to_pylist()])
    return table.set_column(table.schema.get_field_index("label"), table.schema.field("label"), labels)


@pytest.fixture
def relabel() -> Callable[[str, Path], Path]:
    """Replace a source file by one with the same images and other labels; return it."""
    return _relabel


@pytest.fixture
def meanwhile(faulty: Callable[..., Any]) -> Callable[..., Any]:
    """Let something happen to the source before changes of the disk, by their numbers; return the disk."""

    def use(actions: dict[int, Callable[[], object]]) -> Any:
        disk = faulty()
        strike = disk._strike

        def act(call: str) -> bool:
            found = strike(call)
            actions.get(len(disk.calls), lambda: None)()
            return found

        disk._strike = act
        return disk

    return use
