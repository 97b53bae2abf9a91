"""Files of lines: the very bytes of records, made ones from other formats, one file or a folder of them."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import OptionError, OutputError, StoreError
from prune.core.findings import Findings
from prune.core.progress import Silent
from prune.exporters.jsonl import FORM
from prune.exporters.lines.container import packed
from prune.exporters.verify import check_export

KEPT = [0, 1, 4, 6, 7, 9, 12]
BOM = b"\xef\xbb\xbf"


def _facts(job):
    keys = job.samples()["key"].to_pylist()
    classes = [job.dataset.classes[i] for i in job.dataset.labels[job.rows]]
    return list(zip(keys, job.payloads(job.rows), classes, strict=True))


def _content(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read() if path.suffix == ".zst" else data


@pytest.mark.parametrize("container", ["", ".gz", ".zst"])
def test_a_container_holds_the_lines_and_is_always_the_same(container):
    blocks = [b"%d\n" % i * 1000 for i in range(300)]
    files = []
    for _ in range(2):
        sink = io.BytesIO()
        with packed(sink, container) as write:
            for block in blocks:
                write(block)
        files.append(sink.getvalue())
    assert files[0] == files[1]
    if container == ".gz":
        assert gzip.decompress(files[0]) == b"".join(blocks)
        assert files[0][4:8] == bytes(4)  # no time
    elif container == ".zst":
        assert pa.CompressedInputStream(pa.BufferReader(files[0]), "zstd").read() == b"".join(blocks)
        assert files[0].count(b"\x28\xb5\x2f\xfd") == 1  # one frame: some readers take only the first


def test_lines_go_along_byte_for_byte_in_files_of_the_same_names(make_job, run, reopen, tmp_path):
    job = make_job("jsonl", KEPT)
    run(job, "jsonl", tmp_path / "out")
    source = (job.reader.root / "a.jsonl").read_bytes().removeprefix(BOM).replace(b"\r\n\r\n", b"\r\n")
    lines = source.split(b"\r\n")
    assert (tmp_path / "out/a.jsonl").read_bytes() == BOM + b"".join(
        lines[i] + b"\r\n" for i in (0, 1, 4, 6, 7)
    )
    lines = _content(job.reader.root / "sub/b.jsonl.gz").splitlines(keepends=True)
    assert _content(tmp_path / "out/sub/b.jsonl.gz") == lines[1] + lines[4]
    again = reopen(tmp_path / "out")
    assert _facts(again) == _facts(job)
    assert again.reader.format == "jsonl"


@pytest.mark.parametrize(
    ("name", "copied"), [("a.json.gz", True), ("a.JSON.zst", True), ("a.json", False), ("a.csv.gz", False)]
)
def test_files_that_are_read_as_lines_of_json_are_copied_as_such(name, copied):
    assert FORM.is_named(name) == copied


def test_everything_is_the_source_but_for_empty_lines_and_a_last_end(make_job, run, tmp_path):
    job = make_job("jsonl", range(13))
    run(job, "jsonl", tmp_path / "out")
    source = (job.reader.root / "a.jsonl").read_bytes()
    assert (tmp_path / "out/a.jsonl").read_bytes() == source.replace(b"\r\n\r\n", b"\r\n") + b"\r\n"


@pytest.mark.parametrize("name", ["kept.jsonl", "kept.jsonl.gz", "kept.jsonl.zst", "kept.ndjson"])
def test_one_file_has_all_samples_and_is_described_beside(name, make_job, run, reopen, tmp_path):
    job, out = make_job("jsonl"), tmp_path / "new" / name
    done = run(job, "jsonl", out)
    assert (done.samples, done.new) == (7, True)
    assert out.is_file()
    assert sorted(path.name for path in out.parent.iterdir()) == [name, f"{name}.prune"]
    assert sorted(path.name for path in (out.parent / f"{name}.prune").iterdir()) == [
        "export.json",
        "indices.npy",
        "keys.txt",
    ]
    assert _facts(reopen(out)) == _facts(job)
    records = [json.loads(line) for line in _content(out).decode("utf-8-sig").split("\n") if line.strip()]
    assert [record["id"] for record in records] == [f"k{i}" for i in KEPT]
    assert not run(job, "jsonl", out).new
    out.rename(tmp_path / name)
    (out.parent / f"{name}.prune").rename(tmp_path / f"{name}.prune")
    found = Findings(lambda _: None, str(tmp_path / name))
    assert check_export(tmp_path / name, found, str) is not None
    assert found.whole


def test_one_file_is_replaced_when_asked_and_never_one_of_others(make_job, run, tmp_path):
    out, folder = tmp_path / "kept.jsonl", tmp_path / "folder.jsonl"
    out.write_text("mine")
    folder.mkdir()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="is a file"):
            run(make_job("jsonl"), "jsonl", out, overwrite=overwrite)
        with pytest.raises(OutputError, match="is a folder, and what is written is one file"):
            run(make_job("jsonl"), "jsonl", folder, overwrite=overwrite)
    assert out.read_text() == "mine"
    out.unlink()
    run(make_job("jsonl"), "jsonl", out)
    with pytest.raises(OutputError, match="holds another export"):
        run(make_job("jsonl", [3]), "jsonl", out)
    run(make_job("jsonl", [3]), "jsonl", out, overwrite=True)
    assert json.loads(out.read_bytes().removeprefix(BOM))["id"] == "k3"
    out.write_bytes(out.read_bytes().replace(b"k3", b"k4"))
    with pytest.raises(OutputError, match=r"is damaged: kept\.jsonl has changed"):
        run(make_job("jsonl", [3]), "jsonl", out)
    found = Findings(lambda _: None, str(out))
    check_export(out, found, str)
    assert found.counts == {"damaged": 1}
    out.unlink()
    shutil.rmtree(tmp_path / "kept.jsonl.prune")
    run(make_job("jsonl"), "webdataset", out)  # a folder in its place, and a file again
    run(make_job("jsonl", [3]), "jsonl", out, overwrite=True)
    assert out.is_file()


@pytest.mark.parametrize(
    ("form", "name", "hint"),
    [
        ("jsonl", "kept.csv", "--out kept.jsonl"),
        ("jsonl", "kept.json", "--out kept.jsonl"),
        ("csv", "kept.jsonl.zst", "--out kept.csv"),
        ("txt", "kept.txt.bz2", "--out kept.txt"),
        ("txt", "kept.parquet", "--out kept.txt"),
    ],
)
def test_a_name_of_another_kind_of_file_is_no_folder_by_mistake(form, name, hint, make_job, run, tmp_path):
    with pytest.raises(OptionError, match=f"is not the name of a file of {form}") as caught:
        run(make_job("jsonl"), form, tmp_path / name)
    assert caught.value.hint.startswith(hint)


def test_csv_is_read_by_python_with_every_character(make_job, run, tmp_path):
    job = make_job("jsonl", range(13))
    run(job, "csv", tmp_path / "kept.csv")
    with (tmp_path / "kept.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [(row["id"], row["text"].encode(), row["label"]) for row in rows] == _facts(job)
    assert list(rows[0]) == ["text", "label", "id", "note", "deep"]
    assert [json.loads(row["deep"]) for row in rows] == [{"n": [i]} for i in range(13)]


def test_line_ends_and_quotes_in_a_cell_are_quoted(make_job_of, run, tmp_path):
    texts = ["a\nb", "a\r\nb", "a\rb", 'a"b', "a,b", " a", "a\t", "\ufeffa"]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    job = make_job_of(data)
    run(job, "csv", tmp_path / "kept.csv")
    with (tmp_path / "kept.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [row["text"] for row in rows] == texts
    assert [row["id"] for row in rows] == [f"data.jsonl:{i}" for i in range(1, 9)]
    with pytest.raises(OptionError, match="data.jsonl:1: the text has a line end in it"):
        run(job, "txt", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_texts_of_labels_lie_in_a_file_each(make_job, run, tmp_path):
    job = make_job("jsonl")
    run(job, "txt", tmp_path / "out")
    facts = _facts(job)
    for name in ("neg", "pos"):
        lines = b"".join(text + b"\n" for _, text, label in facts if label == name)
        assert (tmp_path / f"out/{name}.txt").read_bytes() == lines


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def test_a_file_without_a_kept_record_is_left_out_and_named(make_job, run, tmp_path):
    heard = Heard()
    run(dataclasses.replace(make_job("jsonl", [0, 1]), reporter=heard), "jsonl", tmp_path / "out")
    assert not (tmp_path / "out/sub").exists()
    assert heard.said == ["1 file of 2 keeps no sample and is left out: sub/b.jsonl.gz"]


@pytest.mark.parametrize("form", ["jsonl", "csv", "txt"])
def test_weights_come_back(form, make_job, make_job_of, run, tmp_path):
    weights = np.array([0.5, 1, 2, 3, 4, 5.25, 6], np.float32)
    job = dataclasses.replace(make_job("jsonl"), weights=weights)
    for out in (tmp_path / f"kept.{form}", tmp_path / "folder"):
        run(job, form, out)
    described = {tmp_path / f"kept.{form}.prune": 1, tmp_path / "folder/.prune-export": 1}
    beside = [path for place in described for path in place.glob("weights.csv")]
    assert len(beside) == (0 if form == "csv" else 2)
    if form == "csv":
        with (tmp_path / "kept.csv").open(newline="") as file:
            assert [float(row["weight"]) for row in csv.DictReader(file)] == job.weights.tolist()
    elif form == "jsonl":
        for out in (tmp_path / "kept.jsonl", tmp_path / "folder"):
            run(make_job_of(out), "csv", tmp_path / f"again-{out.name}.csv")
            with (tmp_path / f"again-{out.name}.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            assert [float(row["weight"]) for row in rows] == job.weights.tolist()
            assert "weight" not in json.loads(rows[0]["deep"])


def test_labels_of_a_file_of_their_own_are_written_into_made_records(make_job_of, make_job, run, tmp_path):
    source = make_job("jsonl").reader.root
    (tmp_path / "labels.csv").write_text("key,label\n" + "".join(f"k{i},{i % 3}\n" for i in range(13)))
    job = make_job_of(source, labels=str(tmp_path / "labels.csv"))
    run(job, "jsonl", tmp_path / "kept.jsonl")
    records = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_bytes().splitlines()]
    assert [(record["id"], record["label"]) for record in records] == [(f"k{i}", i % 3) for i in range(13)]
    assert {tuple(record) for record in records} == {("text", "label", "id", "note", "deep")}


def test_a_line_that_changed_is_not_exported(make_job, run, tmp_path):
    job = make_job("jsonl")
    path = job.reader.root / "a.jsonl"
    path.write_bytes(path.read_bytes().replace(b"a good day", b"a bad week"))
    with pytest.raises(StoreError, match=r"a\.jsonl changed while it was read"):
        run(job, "jsonl", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_attributes_of_dolma_line_up_with_the_documents(make_job, run, with_records, tmp_path):
    job = make_job("jsonl", KEPT)
    n = len(job.dataset)
    ranks = np.full(n, -1)
    ranks[KEPT] = np.arange(len(KEPT))
    scores = np.linspace(0, 1, n).astype(np.float32)
    scores[1] = np.nan
    table = pa.table({"rank": pa.array(ranks, mask=ranks < 0), "score.el2n": pa.array(scores)})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    run(with_records(job, {"manifest.parquet": sink.getvalue()}), "dolma", tmp_path / "out")
    lines = []
    for name in ("a.jsonl", "sub/b.jsonl.gz"):
        lines += [json.loads(line) for line in _content(tmp_path / "out" / name).splitlines()]
    assert [line["id"] for line in lines] == [f"k{i}" for i in range(n)]
    texts = [text.decode() for text in job.payloads(np.arange(n))]
    for row, (line, text) in enumerate(zip(lines, texts, strict=True)):
        found = {name: spans[0] for name, spans in line["attributes"].items()}
        assert all(span[:2] == [0, len(text)] for span in found.values())
        values = {name: span[2] for name, span in found.items()}
        assert values["prune__selected"] == int(row in KEPT)
        assert ("prune__el2n" in values) == (row != 1)
        assert values.get("prune__rank") == (KEPT.index(row) if row in KEPT else None)
        assert ("prune__weight" in values) == (row in KEPT)


def _splits(folder):
    folder.mkdir()
    for split, numbers in {"train": range(4), "test": range(4, 6)}.items():
        lines = (json.dumps({"review": f"text {i}", "label": i % 2}) + "\n" for i in numbers)
        (folder / f"{split}.jsonl").write_text("".join(lines))


def test_files_of_other_splits_go_along(make_job_of, run, tmp_path):
    _splits(tmp_path / "data")
    job = dataclasses.replace(make_job_of(tmp_path / "data"), rows=np.array([0, 2]))
    run(job, "jsonl", tmp_path / "both")
    run(job, "jsonl", tmp_path / "alone", other_splits="omit")
    test = (tmp_path / "data/test.jsonl").read_bytes()
    assert (tmp_path / "both/test.jsonl").read_bytes() == test
    assert not (tmp_path / "alone/test.jsonl").exists()
    heard = Heard()
    run(dataclasses.replace(job, reporter=heard), "csv", tmp_path / "csv")
    assert heard.said == ["files of other splits are left out, as they are none of csv: test.jsonl"]
    assert len(make_job_of(tmp_path / "both")) == 2
    assert len(make_job_of(tmp_path / "both", split="test")) == 2


def test_a_table_calls_the_text_as_the_source_does(make_job_of, run, tmp_path):
    _splits(tmp_path / "data")
    run(make_job_of(tmp_path / "data"), "parquet", tmp_path / "out")
    table = pq.read_table(tmp_path / "out/data/train-00000-of-00001.parquet")
    assert table.schema.names == ["review", "label", "__key__"]
    assert table["review"].to_pylist() == [f"text {i}" for i in range(4)]
