"""Arrays of JSON: what stands around the records, and records that go from arrays to lines and back."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from prune.core.progress import SILENT
from prune.exporters import ExportJob
from prune.exporters.jsonl import on_one_line
from prune.readers import open_reader
from prune.readers.scan import scan

KEPT = [0, 1, 4, 6, 7, 9, 12]


def _records(job):
    return [json.loads(record) for record in job.reader.records(job.samples())]


def test_an_array_of_all_records_is_the_source_byte_for_byte(make_job, run, tmp_path):
    job = make_job("json", range(13))
    run(job, "json", tmp_path / "out")
    assert (tmp_path / "out/a.json").read_bytes() == (job.reader.root / "a.json").read_bytes()
    packed = (tmp_path / "out/sub/b.json.gz").read_bytes()
    assert gzip.decompress(packed) == gzip.decompress((job.reader.root / "sub/b.json.gz").read_bytes())


def test_an_array_of_some_keeps_what_stands_around_it(make_job, run, tmp_path):
    job = make_job("json", KEPT)
    run(job, "json", tmp_path / "out")
    whole = json.loads((job.reader.root / "a.json").read_text("utf-8-sig"))
    kept = json.loads((tmp_path / "out/a.json").read_text("utf-8-sig"))
    assert kept == whole | {"data": [whole["data"][i] for i in (0, 1, 4, 6, 7)]}
    assert (tmp_path / "out/a.json").read_text("utf-8-sig") == json.dumps(kept, ensure_ascii=False, indent=2)


@pytest.mark.parametrize("source", ["json", "jsonl"])
@pytest.mark.parametrize("name", ["kept.json", "kept.json.zst", "kept.jsonl", "kept.jsonl.gz"])
def test_one_file_has_the_fields_of_every_record(name, source, make_job, run, reopen, tmp_path):
    job = make_job(source, KEPT)
    run(job, name.split(".")[1], tmp_path / name)
    again = reopen(tmp_path / name)
    assert again.reader.format == name.split(".")[1]
    assert _records(again) == _records(job)
    if source == "jsonl" or name.startswith("kept.jsonl"):
        records = list(again.reader.records(again.samples()))
        assert records == [on_one_line(record) for record in job.reader.records(job.samples())]


def test_lines_of_an_array_lie_in_files_of_lines(make_job, run, tmp_path):
    run(make_job("json"), "jsonl", tmp_path / "out")
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jsonl*")}
    assert files == {"a.jsonl", "sub/b.jsonl.gz"}


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (b'{"a": 1}', b'{"a": 1}'),
        (b'{\r\n  "a": "x\\n  y",\n\t"b": 1.50\n}', b'{ "a": "x\\n  y", "b": 1.50 }'),
    ],
)
def test_a_record_on_one_line_says_the_same(record, line):
    assert on_one_line(record) == line
    assert json.loads(line) == json.loads(record)


def test_a_file_with_too_much_behind_its_array_ends_in_a_bracket_again(run, tmp_path):
    (tmp_path / "a.json").write_text('{"data": [{"text": "x"}, {"text": "y"}]} {"te')
    reader = open_reader(str(tmp_path / "a.json"))
    dataset = scan(reader, tmp_path / "scans", SILENT)
    assert list(dataset.rejects) == [2]
    run(ExportJob(reader, dataset, np.array([0, 1])), "json", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == {"data": [{"text": "x"}, {"text": "y"}]}
