"""Hostile texts: lines without end, values without bottom, bombs, signs that move a terminal or a page."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

SOUND = b"".join(b'{"text": "a line of words, number %d", "label": "%d"}\n' % (n, n % 2) for n in range(60))
MEGABYTE = 1_000_000
DEEP = 10_000
BOMB = "zst unpacks to over 1,100 times its size, which texts do not"
SIGNS = (
    '=cmd|"x"!A1 \x1b[31mred\x07 \x00nul \u202egnp [bold]x[/bold] <script>alert(1)</script>'
    " \u2028 &amp; \x9b31m"
)
AT = {  # name of the file -> its content, in pieces, and what is said of it
    "line.jsonl": (
        [SOUND, b'{"text": "', b"a " * 50 * MEGABYTE, b'"}\n'],
        "jsonl:61: the line is over 67,108,864",
    ),
    "line.txt": ([b"x" * 100 * MEGABYTE], "txt:1: the line is over 67,108,864"),
    "row.csv": ([b"text\n", b"x" * 100 * MEGABYTE, b"\n"], "csv:2: the row is over 16,777,216"),
    "record.json": (
        [b'[{"text": "sound"}, {"text": "', b"x" * 100 * MEGABYTE, b'"}]'],
        "record 2 .*over 67,108,864|over 67,108,864",
    ),
    "deep.jsonl": ([SOUND, b'{"text": ', b"[" * DEEP, b"]" * DEEP, b"}\n"], "jsonl:61: .*nested too deep"),
    "beside.jsonl": (
        [SOUND, b'{"text": "x", "more": ', b'{"a":' * DEEP, b"1", b"}" * DEEP, b"}\n"],
        "jsonl:61: .*nested too deep",
    ),
    "chat.jsonl": (
        [SOUND, b'{"messages": ', b'[{"content":' * DEEP, b'"x"', b"}]" * DEEP, b"}\n"],
        "jsonl:61: .*nested too deep",
    ),
    "deep.json": ([b'[{"text": "x", "more": ', b"[" * DEEP, b"]" * DEEP, b"}]"], "nested too deep"),
    "commas.csv.gz": (
        [b"text,label\n", *[b"," * MEGABYTE] * 100, b"\n"],
        "csv.gz:2: the row is over 16,777,216",
    ),
    "head.csv.zst": ([b"," * MEGABYTE] * 100, "the first line of .* is over 1 MiB"),
    "bomb.jsonl.gz": ([SOUND, *[b"{" * MEGABYTE] * 100], "jsonl.gz:61: the line is over 67,108,864"),
    "bomb.jsonl.zst": ([SOUND, *[b" " * MEGABYTE] * 200], BOMB),
    "bomb.txt.zst": ([bytes(MEGABYTE)] * 200, BOMB),
    "bomb.csv.zst": ([b"text,label\n", *[b"," * MEGABYTE] * 100, b"\n"], BOMB),
    "ends.txt.zst": ([b"\n" * MEGABYTE] * 300, BOMB),
    "spaces.json.zst": ([b'[{"text": "x"},', *[b" " * MEGABYTE] * 100], BOMB),
    "bomb.json.gz": ([b'[{"text": "x"},', *[b" " * MEGABYTE] * 100], "is cut short: the file ends at byte"),
}


def write(path: Path, pieces: list[bytes]) -> None:
    codec = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    with pa.output_stream(str(path), compression=codec) as out:
        for piece in pieces:
            out.write(piece)


@pytest.mark.parametrize("name", AT)
def test_no_file_of_texts_is_more_than_a_sentence(name: str, prune: Any, elsewhere: Path) -> None:
    pieces, expected = AT[name]
    write(elsewhere / name, pieces)
    said = prune("score", "--type", "length", name)
    (elsewhere / name).unlink()
    assert said.code == 3
    assert re.search(expected, said.err), said.err
    assert "Traceback" not in said.err
    assert len(said.err) < 1000
    assert said.err.splitlines()[-1].startswith("try:   ")


def moving(text: str) -> set[str]:
    """Return the characters that a terminal would follow instead of showing them."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}}


def records() -> Iterator[dict[str, Any]]:
    for number in range(12):
        yield {
            "id": f"{SIGNS}{number}",
            "text": f"{SIGNS} {number} <b>",
            "label": "<b>[red]" if number % 2 else "=<i>",
        }


@pytest.mark.parametrize("form", ["jsonl", "csv", "txt"])
def test_signs_reach_neither_terminal_nor_page(form: str, prune: Callable[..., Any], elsewhere: Path) -> None:
    data = elsewhere / f"\x1b[31m<b>.{form}"
    if form == "jsonl":
        data.write_text("".join(json.dumps(record) + "\n" for record in records()))
    elif form == "csv":
        quoted = [['"' + str(v).replace('"', '""') + '"' for v in record.values()] for record in records()]
        data.write_text("id,text,label\n" + "".join(",".join(row) + "\n" for row in quoted))
    else:
        data.write_text("".join(f"{record['text']}\n" for record in records()))
    said = [
        prune("score", "--type", "length", data.name),
        prune("select", "--method", "top", "--score", "length", "--fraction", 0.5),
        prune("why", Path(".prune/selections/top/keys.txt").read_text().split("\n")[0]),
        prune("why", "no such key \x1b[31m\u202e"),
        prune("report", "--out", "report.html"),
        prune("export", "--format", form, "--out", "kept"),
        prune("status"),
        prune("status", "--json"),
    ]
    assert [one.code for one in said] == [0, 0, 0, 2, 0, 0, 0, 0], [one.err for one in said]
    for one in said:
        assert moving(one.out + one.err) == set()
    page = Path("report.html").read_text()
    assert moving(page) <= {"\t"}
    assert "<script>alert" not in page
    assert "gnp" in page
    kept = [path for path in Path("kept").glob(f"*.{form}") if path.is_file()]
    assert kept
    before = set(data.read_bytes().splitlines())
    assert set(b"".join(path.read_bytes() for path in kept).splitlines()) <= before
