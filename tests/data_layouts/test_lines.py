"""Rows of docs/data.md about files of lines: JSON, csv and text."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

NAMES = ("cat", "dog", "cat", "dog")
TEXTS = [f"{n} is {label}" for n, label in enumerate(NAMES)]
TWO = {"cat": 2, "dog": 2}


def read(classes: dict[str, int], **more: Any) -> dict[str, Any]:
    """Expect four texts."""
    return {"texts": True, "n": 4, "classes": classes, **more}


def files(name: str, **content: bytes) -> Callable[..., Path]:
    """Files of these contents; DATA is `name`, or the folder where it is empty."""

    def build(make: Any, root: Path) -> Path:
        for place, data in content.items():
            make.put(root / place.replace("__", "/").replace("_", "."), data)
        return root / name

    return build


def lines(*texts: str) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def records(**fields: Any) -> bytes:
    rows = [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]
    return lines(*map(json.dumps, rows))


def array(**fields: Any) -> bytes:
    rows = [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]
    return json.dumps(rows, indent=1).encode()


def held(data: bytes) -> bytes:
    return b'{"version": 1, "data": ' + data + b"}"


def packed(data: bytes) -> bytes:
    found: bytes = pa.Codec("zstd").compress(data).to_pybytes()
    return found


def beside_classes(make: Any, root: Path) -> Path:
    make.folder(root, *(f"{label}/{n}.png" for n, label in enumerate(NAMES)))
    make.put(root / "words.txt", b"cat\ndog\n")
    make.put(root / "captions.csv", b"id,text\n0,a cat\n")
    return root


TRAIN = packed(records(text=TEXTS, label=NAMES))
HELD = packed(records(text=TEXTS[:1], label=NAMES[:1]))
QUOTED = lines(*(f'"{text};\n""so""";{label}' for text, label in zip(TEXTS, NAMES, strict=True)))
BARE = lines("3,Good news", "1,Bad news", "3,More of it", "1,Even more")
ROWS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "`reviews.jsonl.gz` with `title` and `body`": (
        files("a.jsonl.gz", a_jsonl_gz=gzip.compress(records(title=NAMES, body=TEXTS, cls=NAMES))),
        read(TWO, words=["--template", "{{title}}: {{body}}"]),
    ),
    "`train.jsonl.zst` beside `test.jsonl.zst`": (
        files("", train_jsonl_zst=TRAIN, test_jsonl_zst=HELD),
        read(TWO, split="train"),
    ),
    "the same, as a pattern, with `--split test`": (
        files("*.jsonl.zst", train_jsonl_zst=HELD, test_jsonl_zst=TRAIN),
        read(TWO, split="test", words=["--split", "test"]),
    ),
    "`reviews.csv` with semicolons, quoted line ends and `Text;Label`": (
        files("a.csv", a_csv=b"Text;Label\n" + QUOTED),
        read(TWO),
    ),
    "`reviews.tsv` with quotes that stand in the text": (
        files(
            "a.tsv",
            a_tsv=lines("sentence\tlabel", *(f'"{t}\t{n}' for t, n in zip(TEXTS, NAMES, strict=True))),
        ),
        read(TWO),
    ),
    "`reviews.csv` without a header": (
        files("a.csv", a_csv=BARE),
        {
            "refused": "names no column that is known: 3, Good news(.|\n)*--text-field 2",
            "then": read({}, words=["--text-field", "2"]),
        },
    ),
    "`reviews.json`: `[{…}, …]`": (
        files("reviews.json", reviews_json=array(text=TEXTS, label=NAMES)),
        read(TWO),
    ),
    '`train.json` beside `test.json`, `{"version": 1, "data": [{…}, …]}`': (
        files("", train_json=held(array(body=TEXTS, cls=NAMES)), test_json=held(array(body=TEXTS[:1]))),
        read(TWO, split="train", words=["--text-field", "body"]),
    ),
    "`reviews.json` with an object a line": (
        files("reviews.json", reviews_json=records(text=TEXTS, label=NAMES)),
        read(TWO),
    ),
    "`reviews.jsonl` beside `notes.json`": (
        files("", reviews_jsonl=records(text=TEXTS, label=NAMES), notes_json=array(text=TEXTS)),
        read(TWO),
    ),
    "`pos.txt` beside `neg.txt`": (
        files("", pos_txt=lines(*TEXTS[:2]), neg_txt=lines(*TEXTS[2:])),
        read({"neg": 2, "pos": 2}),
    ),
    "`train/pos/0.txt` `train/neg/0.txt`": (
        files("", train__pos__0_txt=lines(*TEXTS[:2]), train__neg__0_txt=lines(*TEXTS[2:])),
        read({"neg": 2, "pos": 2}, split="train"),
    ),
    "`part-0.txt` beside `part-1.txt`": (
        files("", **{"part-0_txt": lines(*TEXTS[:2]), "part-1_txt": lines(*TEXTS[2:])}),
        read({}),
    ),
    "`reviews.csv` in UTF-16": (
        files("a.csv", a_csv="text\nx\n".encode("utf-16")),
        {"refused": "is UTF-16(.|\n)*iconv -f UTF-16 -t UTF-8"},
    ),
    "`words.txt` or `captions.csv` beside class folders": (
        beside_classes,
        {"n": 4, "classes": TWO, "passed_over": {".csv": 1, ".txt": 1}},
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])
