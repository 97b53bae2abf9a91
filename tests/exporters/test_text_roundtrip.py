"""Texts of every source in every form that holds them, read back by our readers and by those of others."""

from __future__ import annotations

import csv
import gzip
import json
import tarfile

import pytest

from prune.core.errors import OptionError
from prune.exporters import EXPORTERS
from prune.exporters.file_names import shard_keys

SOURCES = ["jsonl", "json", "csv", "txt", "text-parquet", "text-shards"]
FORMS = [name for name, form in EXPORTERS.items() if "text" in form.modalities and name != "dolma"]
OWN = {"txt": None, "webdataset": shard_keys}  # what becomes of keys, where they do not stay as they are


def _facts(job):
    keys = job.samples()["key"].to_pylist()
    classes = [job.dataset.classes[i] for i in job.dataset.labels[job.rows]]
    return list(zip(keys, job.payloads(job.rows), classes, strict=True))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", SOURCES)
def test_keeps_keys_texts_and_labels(source, form, make_job, run, reopen, tmp_path):
    rows = [0, 1, 4, 6, 7, 9, 12] if form == "txt" else [0, 1, 3, 6, 7, 9, 12]
    job = make_job(source, rows)
    run(job, form, tmp_path / "out")
    run(job, form, tmp_path / "again")
    again = reopen(tmp_path / "out")
    before, after = _facts(job), _facts(again)
    assert [fact[1:] for fact in after] == [fact[1:] for fact in before]
    rename = OWN.get(form, list)
    if rename is not None:
        assert [fact[0] for fact in after] == list(rename([fact[0] for fact in before]))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for path in files:
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(tmp_path / "out")).read_bytes()


@pytest.mark.parametrize("source", ["csv", "txt"])
def test_records_go_along_byte_for_byte(source, make_job, run, tmp_path):
    job = make_job(source, [0, 3, 12])
    run(job, source, tmp_path / "out")
    kept = {path.name: _content(path) for path in (tmp_path / "out").iterdir() if path.is_file()}
    root = job.reader.root
    if source == "txt":
        neg, pos = ((root / name).read_bytes() for name in ("neg.txt", "pos.txt"))
        expected = {"neg.txt": b"".join(neg.split(b"\n")[i] + b"\n" for i in (0, 3))}
        expected["pos.txt"] = pos.split(b"\r\n")[6] + b"\r\n"
    else:
        lines = (root / "a.csv").read_bytes().split(b"\r\n")
        expected = {"a.csv": b"".join(line + b"\r\n" for line in (lines[0], lines[1], lines[4], lines[5]))}
        lines = _content(root / "b.tsv.gz").splitlines(keepends=True)
        expected["b.tsv.gz"] = lines[0] + lines[-1]
    assert kept == expected


def _content(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_files_of_two_headings_are_no_one_file(make_job, run, tmp_path):
    with pytest.raises(OptionError, match=r"a\.csv begins with .* and b\.tsv\.gz with") as caught:
        run(make_job("csv"), "csv", tmp_path / "kept.csv")
    assert caught.value.hint.startswith("--out kept ")
    run(make_job("csv", [0, 4]), "csv", tmp_path / "kept.csv")
    with (tmp_path / "kept.csv").open(newline="", encoding="utf-8") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["k0", "k4"]


def test_a_label_by_file_goes_into_records(make_job, run, tmp_path):
    run(make_job("txt"), "jsonl", tmp_path / "kept.jsonl")
    records = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_bytes().splitlines()]
    assert [record["label"] for record in records] == ["neg"] * 3 + ["pos"] * 4
    assert records[0]["id"] == "neg.txt:1"


@pytest.mark.parametrize("source", SOURCES)
def test_shards_hold_texts_and_classes(source, make_job, run, tmp_path):
    job = make_job(source)
    run(job, "webdataset", tmp_path / "out")
    members = {}
    for path in sorted((tmp_path / "out").glob("*.tar")):
        with tarfile.open(path) as tar:
            members |= {member.name: tar.extractfile(member).read() for member in tar}
    texts = [data for name, data in members.items() if name.endswith(".txt")]
    assert texts == list(job.payloads(job.rows))
    assert [data for name, data in members.items() if name.endswith(".cls")] == [b"0"] * 3 + [b"1"] * 4


@pytest.mark.parametrize("form", ["jsonl", "csv", "txt", "parquet"])
def test_datasets_library_reads_them(form, make_job, run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    job = make_job("jsonl", [0, 1, 2, 6, 7, 9, 12])
    out = tmp_path / ("out" if form == "parquet" else f"kept.{form}")
    run(job, form, out)
    module = {"jsonl": "json", "txt": "text"}.get(form, form)
    files = str(out / "data/*.parquet") if form == "parquet" else str(out)
    loaded = datasets.load_dataset(module, data_files=files, cache_dir=str(tmp_path / "cache"), split="train")
    assert [text.encode() for text in loaded["text"]] == list(job.payloads(job.rows))
    if form in {"jsonl", "csv"}:
        assert list(loaded["label"]) == ["neg"] * 3 + ["pos"] * 4
        assert list(loaded["id"]) == job.column("key").to_pylist()


def test_the_key_of_a_table_stands_once_in_a_record(make_job, run, tmp_path):
    run(make_job("text-parquet"), "jsonl", tmp_path / "kept.jsonl")
    records = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_bytes().splitlines()]
    assert all("id" in record for record in records)
    assert not any("other_id" in record for record in records)
