"""Exports of texts are read by the libraries that read the format: those that are installed."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

KEPT = [0, 1, 2, 6, 7, 9, 12]
MIXER = """
streams:
  - name: kept
    documents: ["{root}/documents/*.jsonl.gz"]
    output: {{path: "{root}/mixed", max_size_in_bytes: 1000000000}}
    attributes: ["prune"]
    filter: {{include: ["$.attributes[?(@.prune__selected[0][2] >= 1)]"]}}
processes: 1
work_dir: {{input: "{root}/mixing/in", output: "{root}/mixing/out"}}
"""
"""Of dolma's mixer: documents are kept whose attribute says so."""

Make = Callable[..., Any]


def facts(job: Any) -> list[tuple[str, str]]:
    texts = [text.decode() for text in job.payloads(job.rows)]
    return list(zip(job.column("key").to_pylist(), texts, strict=True))


@pytest.mark.parametrize("source", ["json", "jsonl"])
def test_arrays_by_datasets(
    source: str, make_job: Make, run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    job = make_job(source, KEPT if source == "jsonl" else [8, 9, 12])
    run(job, "json", tmp_path / "kept.json")
    files = {"data_files": str(tmp_path / "kept.json"), "cache_dir": str(tmp_path / "cache")}
    loaded = datasets.load_dataset("json", split="train", **files)
    assert list(zip(loaded["id"], loaded["text"], strict=True)) == facts(job)


@pytest.mark.parametrize("source", ["json", "csv", "text-shards"])
def test_shards_by_webdataset(source: str, make_job: Make, run: Make, tmp_path: Path) -> None:
    wds = pytest.importorskip("webdataset")
    job = make_job(source, [0, 1, 6, 7, 9, 12])
    run(job, "webdataset", tmp_path / "out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its files to the collector
        shards = sorted(map(str, (tmp_path / "out").glob("*.tar")))
        read = wds.WebDataset(shards, shardshuffle=False).decode().to_tuple("txt", "cls")
        found = list(read)
        del read
        gc.collect()
    labels = job.dataset.labels[job.rows].tolist()
    assert found == list(zip((text for _, text in facts(job)), labels, strict=True))


def test_tables_by_datasets(make_job: Make, run: Make, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    job = make_job("json", KEPT)
    run(job, "huggingface", tmp_path / "out")
    loaded = datasets.load_from_disk(str(tmp_path / "out"))["train"]
    assert list(zip(loaded["__key__"], loaded["text"], strict=True)) == facts(job)
    assert loaded.features["label"].names == ["neg", "pos"]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_documents_by_datatrove(form: str, make_job: Make, run: Make, tmp_path: Path) -> None:
    readers = pytest.importorskip("datatrove.pipeline.readers", reason="datatrove is not installed")
    job = make_job("json", KEPT)  # lines of JSON with a mark at their start, it does not read
    run(job, form, tmp_path / "out")
    reader, key = {"jsonl": (readers.JsonlReader, "id"), "parquet": (readers.ParquetReader, "__key__")}[form]
    found = list(reader(str(tmp_path / "out"), glob_pattern=f"**/*.{form}*", id_key=key).run())
    assert sorted((document.id, document.text) for document in found) == sorted(facts(job))
    assert {document.metadata["label"] for document in found} <= {"neg", "pos", 0, 1}


def test_attributes_by_the_mixer_of_dolma(
    make_job_of: Make, run: Make, with_records: Make, tmp_path: Path
) -> None:
    program = shutil.which("dolma")
    if program is None:
        pytest.skip("dolma is not installed")
    lines = [json.dumps({"id": f"k{n}", "text": f"text {n}", "source": "x"}) + "\n" for n in range(9)]
    (tmp_path / "documents").mkdir()
    packed = pa.compress("".join(lines).encode(), "gzip", asbytes=True)
    (tmp_path / "documents/a.jsonl.gz").write_bytes(packed)
    kept = np.array([0, 4, 7])
    ranks = np.where(np.isin(np.arange(9), kept), np.arange(9), -1)
    sink = io.BytesIO()
    pq.write_table(pa.table({"rank": pa.array(ranks, mask=ranks < 0)}), sink)
    job = dataclasses.replace(make_job_of(tmp_path / "documents"), rows=kept)
    records = with_records(job, {"manifest.parquet": sink.getvalue()})
    run(records, "dolma", tmp_path / "attributes/prune")
    (tmp_path / "mixer.yaml").write_text(MIXER.format(root=tmp_path))
    subprocess.run([program, "-c", str(tmp_path / "mixer.yaml"), "mix"], check=True)
    mixed = b"".join(pa.input_stream(path).read() for path in sorted((tmp_path / "mixed").glob("*.gz")))
    assert [json.loads(line)["id"] for line in mixed.splitlines()] == ["k0", "k4", "k7"]
