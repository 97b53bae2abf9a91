from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.readers import open_reader, recognise
from prune.readers.lines import csv_dialect, csv_rows
from prune.readers.lines.records import LineRecords
from prune.readers.scan import scan
from prune.store import Dataset


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def scanned(path: Path, **options: Any) -> Dataset:
    return scan(open_reader(str(path), **options), path.parent / "scans", SILENT, keep=False)


def texts_of(path: Path, **options: Any) -> list[str]:
    return list(open_reader(str(path), **options).payloads(scanned(path, **options).samples))


TRICKY = [
    "plain",
    "a, b; c",
    'he said "hi"',
    "two\nlines",
    "two\r\nlines",
    "ü 字",
    "tab\there",
    "it's \\ so",
    "|",
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_python_writes_is_read_and_copied(
    delimiter: str, end: str, quoting: Any, mark: bytes, tmp_path: Path
) -> None:
    sink = io.StringIO()
    out = csv.writer(sink, delimiter=delimiter, lineterminator=end, quoting=quoting)
    out.writerows([["id", "text", "label"], *([f"k{n}", text, n % 2] for n, text in enumerate(TRICKY))])
    path = put(tmp_path / "a.csv", mark + sink.getvalue().encode())
    dataset = scanned(path)
    assert dataset.rejects == {}
    assert dataset.keys == [f"k{n}" for n in range(len(TRICKY))]
    assert (dataset.classes, dataset.labels.tolist()) == (["0", "1"], [n % 2 for n in range(len(TRICKY))])
    assert texts_of(path) == TRICKY
    reader: LineRecords = open_reader(str(path))  # type: ignore[assignment]
    parts = [record + reader.line_end("a.csv") for record in reader.records(dataset.samples)]
    assert reader.heading("a.csv") + b"".join(parts) == path.read_bytes()


def test_keys_are_the_first_line_of_a_row(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", b'text\n"x\ny"\n\nz\n')
    assert scanned(path).keys == ["a.csv:2", "a.csv:5"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"a,b,c", "the row has 3 cells, the first row of the file 2"),
        (b"a", "the row has 1 cells"),
        (b'"a\nb",0,0', "the row of lines 3 to 4 has 3 cells"),
        (b",0", "no text in the field text"),
        (b"\xff,0", "not UTF-8"),
        (b"a\rb,0", "a carriage return stands outside quotes"),
        (b'a,"0', "a quote in line 3 is never closed: 2 lines up to line 4, the last, are one row"),
    ],
)
def test_a_row_that_is_no_sample_says_why(row: bytes, reason: str, tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", b"text,label\nfine,0\n" + row + b"\nlast,1\n")
    dataset = scanned(path)
    assert dataset.keys[:2] == ["a.csv:2", "a.csv:3"]
    assert reason in dataset.rejects[1]
    last = "a.csv:5" if b"\n" in row else "a.csv:4"
    assert dataset.keys[2:] == ([] if "never closed" in reason else [last])


def test_a_row_that_is_too_long_is_named_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "MAX_RECORD_BYTES", 30)
    path = put(
        tmp_path / "a.csv", b'text,label\n"' + b"endless\n" * 4 + b"next,0\n" + b"," * 31 + b"\nlast,1\n"
    )
    dataset = scanned(path)
    assert dataset.keys == ["a.csv:2", "a.csv:6", "a.csv:7", "a.csv:8"]
    assert [reason.partition(":")[0] for reason in dataset.rejects.values()] == [
        "lines 2 to 5 are one row of over 30 bytes",
        "the row is over 30 bytes",
    ]


@pytest.mark.parametrize(
    ("name", "data", "texts"),
    [
        ("a.tsv", b'sentence\tlabel\n"what a film\t1\nit "was"\t0\n', ['"what a film', 'it "was"']),
        ("a.tsv", b'sentence\tlabel\n"what\ta film"\t1\n', ["what\ta film"]),
        ("a.csv", b'text,label\n"a \\"q\\", b",1\nx,0\n', ['a "q", b', "x"]),
        ("a.csv", b"text,label\n'a, b',1\nit's,0\n", ["a, b", "it's"]),
        ("a.csv", b"Text;Label\nx, y;1\nz, z;0\n", ["x, y", "z, z"]),
        ("a.csv", b'text\nx\n"y, z"\n', ["x", "y, z"]),
        ("a.csv", b"label,Review Text\n1,x\n", None),
    ],
)
def test_dialects_are_found(name: str, data: bytes, texts: list[str] | None, tmp_path: Path) -> None:
    path = put(tmp_path / name, data)
    assert texts_of(path) == (["x"] if texts is None else texts)


def test_files_without_a_header_are_read_by_numbers(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", b"3,Wall St.,Shares fell\n1,Oslo,Peace\n")
    with pytest.raises(DataError, match="names no column that is known: 3, Wall St., Shares fell") as caught:
        open_reader(str(path))
    assert "--text-field 3" in str(caught.value.hint)
    options = {"text_field": "2,3", "label_field": "1"}
    assert texts_of(path, **options) == ["Wall St.\nShares fell", "Oslo\nPeace"]
    dataset = scanned(path, **options)
    assert (dataset.classes, dataset.keys) == (["1", "3"], ["a.csv:1", "a.csv:2"])
    reader: LineRecords = open_reader(str(path), **options)  # type: ignore[assignment]
    assert reader.heading("a.csv") == b""


@pytest.mark.parametrize(
    ("first", "advice"),
    [
        (
            b'"text,label"',
            "choose: --template '{text,label}', or --text-field 1, where that line is a sample",
        ),
        (b'"text:label, and more"', "choose: --text-field 1, where that line is a sample"),
    ],
)
def test_a_table_whose_lines_are_single_cells_is_told_what_can_be_typed(
    first: bytes, advice: str, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.csv", first + b'\n"x,1"\n"y,0"\n')
    with pytest.raises(DataError, match="names no column that is known") as caught:
        open_reader(str(path))
    assert caught.value.hint == advice
    if "template" in advice:
        assert texts_of(path, template="{text,label}") == ["x,1", "y,0"]
    assert texts_of(path, text_field="1") == [first.strip(b'"').decode(), "x,1", "y,0"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"text,label\rx,1\ry,0\r", "end in a carriage return alone"),
        ("text\nx\n".encode("utf-16"), "is UTF-16"),
        (b"," * 5000 + b"\n", "has 5,001 cells"),
        (b"," * (2 << 20), "the first line of .* is over 1 MiB"),
        (b"\n\n", "has no row"),
        (b"text,label\n", "no samples"),
    ],
)
def test_what_cannot_be_a_table_is_a_sentence(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        scanned(put(tmp_path / "a.csv", data))


def test_a_table_of_labels_is_none_of_texts(images: Path) -> None:
    table = put(images / "labels.csv", b"id,breed\nx,cat\n")
    assert recognise(str(images)) == "imagefolder"
    with pytest.raises(DataError, match="a table names samples but does not hold them") as caught:
        open_reader(str(table))
    assert "--labels" in str(caught.value.hint)
    put(images / "labels.csv", b"id,text\nx,a cat\n")
    assert texts_of(table) == ["a cat"]


def test_a_table_beside_an_archive_is_not_the_data(tmp_path: Path) -> None:
    put(tmp_path / "d" / "labels.csv", b"id,text\nx,cat\n")
    put(tmp_path / "d" / "train.zip", b"PK\x03\x04")
    with pytest.raises(DataError, match="a zip archive"):
        recognise(str(tmp_path / "d"))


def test_every_file_has_its_own_dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_dialect, "_LOOK", 16)
    put(tmp_path / "d" / "a.csv", b"text,label\nx,0\n" + b"more,1\n" * 9)
    put(tmp_path / "d" / "b.tsv", b"label\ttext\n1\ty\n")
    assert texts_of(tmp_path / "d") == ["x", *["more"] * 9, "y"]
    assert scanned(tmp_path / "d").labels.tolist() == [0, *[1] * 9, 1]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"text_field": "bdy"}, "--text-field body"),
        ({"text_field": "titel,body"}, "--text-field title,body"),
        ({"text_field": "zzz"}, "columns: id, title, body, label"),
        ({"label_field": "lable"}, "--label-field label"),
        ({"template": "{titel}: {body}"}, "columns: id, title, body, label"),
    ],
)
def test_a_column_that_is_not_there_is_answered_with_the_nearest(
    options: dict[str, str], hint: str, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.csv", b"id,title,body,label\n1,x,some words,3\n")
    with pytest.raises(DataError, match="has no column") as caught:
        open_reader(str(path), **options)
    assert caught.value.hint == hint
