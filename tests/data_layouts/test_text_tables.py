"""Rows of docs/data.md about texts in tables and shards, and folders that hold several formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TWO = {"bad": 2, "good": 2}
NAMES = ("good", "bad", "good", "bad")
TEXTS = [f"text {number} is {name}" for number, name in enumerate(NAMES)]
FOUND = {"texts": True, "n": 4, "classes": TWO}
TABLE = {**FOUND, "split": "train"}
BROKEN = pa.array([b"text", None, b"", b"\xff"]).view(pa.string())


def table(name: str = "a.parquet", **columns: Any) -> Callable[..., Path]:
    """A parquet file with these columns and a label of two classes."""

    def build(make: Any, root: Path) -> Path:
        del make
        root.mkdir(exist_ok=True)
        pq.write_table(pa.table({"label": list(NAMES), **columns}), root / name)
        return root

    return build


def pictures(make: Any, root: Path) -> Path:
    return table(image=[make.picture(number) for number in range(4)], text=TEXTS)(make, root)


def saved(make: Any, root: Path) -> Path:
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, disable_progress_bars

    del make
    disable_progress_bars()
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"])})
    one = Dataset.from_dict({"text": TEXTS, "label": [1, 0, 1, 0]}, features=features)
    DatasetDict(train=one, test=one).save_to_disk(root)
    return root


def downloaded(make: Any, root: Path) -> Path:
    make.put(root / "README.md", b"# Reviews")
    for split in ("train", "test"):
        table(f"{split}-00000-of-00001.parquet", text=TEXTS)(make, root)
    return root


def shard(member: Callable[[int], dict[str, bytes]], name: str = "0.tar") -> Callable[..., Path]:
    """A shard of four samples: their members by extension."""

    def build(make: Any, root: Path) -> Path:
        held = {f"{n}__{extension}": data for n in range(4) for extension, data in member(n).items()}
        make.tar(root / name, **held)
        return root

    return build


def plain(n: int) -> dict[str, bytes]:
    return {"txt": TEXTS[n].encode(), "cls": NAMES[n].encode()}


def lines(make: Any, root: Path, name: str) -> Path:
    rows = [{"text": text, "label": label} for text, label in zip(TEXTS, NAMES, strict=True)]
    make.put(root / name, "\n".join(map(json.dumps, rows)).encode())
    return root


def with_lines(make: Any, root: Path) -> Path:
    return lines(make, table(text=TEXTS)(make, root), "a.jsonl")


def three(make: Any, root: Path) -> Path:
    return lines(make, shard(plain, "b.tar")(make, table(text=TEXTS)(make, root)), "c.jsonl")


def noted(make: Any, root: Path) -> Path:
    for name, data in {"README.md": b"#", "dataset_infos.json": b"{}"}.items():
        make.put(root / name, data)
    rows = [f"{text},{label}" for text, label in zip(TEXTS, NAMES, strict=True)]
    make.put(root / "a.csv", "\n".join(["text,label", *rows]).encode())
    return lines(make, root, "a.jsonl")


TURNS = [[{"role": "user", "content": text}, {"role": "assistant", "content": "so"}] for text in TEXTS]
ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "parquet with `text` and `label`, or `sentence` and `sentiment`": (table(text=TEXTS), TABLE),
    "parquet with `id` `headline` `label`": (table(id=list("abcd"), headline=TEXTS), TABLE),
    "parquet with `question` and `hint`": (
        table(question=TEXTS, hint=TEXTS),
        {
            "texts": True,
            "refused": "called like a text; there are question, hint",
            "then": {**TABLE, "words": ["--text-field", "question"]},
        },
    ),
    "parquet with `title` and `body`": (
        table(title=TEXTS, body=TEXTS),
        {**TABLE, "words": ["--text-field", "title,body"]},
    ),
    "parquet with `messages`, a list of turns": (table(messages=TURNS), TABLE),
    "parquet with `instruction` `input` `output`": (
        table(instruction=TEXTS, input=[""] * 4, output=TEXTS),
        TABLE,
    ),
    "parquet with `{title}: {body}` as its template": (
        table(title=TEXTS, body=TEXTS),
        {**TABLE, "words": ["--template", "{{title}}: {{body}}"]},
    ),
    "parquet with `image` and `text`": (pictures, {"n": 4, "classes": TWO, "split": "train"}),
    "parquet with a text that is missing, empty or no UTF-8": (
        table(text=BROKEN),
        {**TABLE, "rejects": 3, "words": ["--on-error", "skip", "--max-bad", "0.9"]},
    ),
    "`save_to_disk` of texts, with `train` and `test`": (saved, TABLE),
    "`train-00000-of-00001.parquet` beside `test-…` and `README.md`": (downloaded, TABLE),
    "shards with `1.txt` `1.cls`": (shard(plain), FOUND),
    "shards with a text and a label in `1.json`": (
        shard(lambda n: {"json": json.dumps({"text": TEXTS[n], "label": NAMES[n]}).encode()}),
        FOUND,
    ),
    "shards with `1.png` `1.txt`": (
        lambda make, root: shard(lambda n: {"png": make.picture(n), **plain(n)})(make, root),
        {"n": 4, "classes": TWO},
    ),
    "shards with a `.txt` that is not UTF-8": (
        shard(lambda n: {**plain(n), "txt": b"\xff" if n == 3 else b"x"}),
        {**FOUND, "rejects": 1, "words": ["--on-error", "skip", "--max-bad", "0.9"]},
    ),
    "`a.parquet` beside `a.jsonl`": (with_lines, {**TABLE, "passed_over": {".jsonl": 1}}),
    "`a.parquet`, `b.tar` and `c.jsonl` of texts": (
        three,
        {
            "texts": True,
            "refused": r"webdataset \(b.tar\) and like huggingface \(a.parquet\) and like jsonl \(c.jsonl\)",
            "then": {**TABLE, "words": ["--as", "huggingface"], "passed_over": {".jsonl": 1, ".tar": 1}},
        },
    ),
    "`a.jsonl` beside `a.csv`, `README.md` and `dataset_infos.json`": (
        noted,
        {
            "texts": True,
            "refused": r"looks like jsonl \(a\.jsonl\) and like csv \(a\.csv\)",
            "then": {**FOUND, "words": ["--as", "jsonl"]},
        },
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("parquet with `image` and `text`", ["--text-field", "text"]),
        ("shards with `1.png` `1.txt`", ["--text-field", "txt"]),
    ],
)
def test_the_texts_beside_images_are_read_where_they_are_named(
    row: str, words: list[str], tried: Callable[..., None]
) -> None:
    builder, expected = ROWS[row]
    tried(builder, {**expected, "texts": True, "words": words})
