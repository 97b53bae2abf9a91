"""Tables of texts: which column holds them, what becomes of several, keys, labels, rows without a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Features, Value, disable_progress_bars
from datasets import Dataset as Saved

from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.store import Dataset

disable_progress_bars()
TURNS = [[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]] * 3
SHAREGPT = [[{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yes"}]] * 3
TEXTS = ["one", "zwei", "três 🦊"]


def write(path: Path, group: int = 2, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


def scanned(path: Path, **options: Any) -> Dataset:
    return scan(open_reader(str(path), **options), path.parent / "scans", SILENT, keep=False)


def texts_of(path: Path, **options: Any) -> list[str]:
    reader = open_reader(str(path), **options)
    dataset = scan(reader, path.parent / "scans", SILENT, keep=False)
    assert dataset.modality == "text"
    return list(reader.payloads(dataset.samples))


@pytest.mark.parametrize("name", ["text", "content", "sentence", "review", "document", "raw_content", "Text"])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_a_column_called_like_a_text_is_read(name: str, kind: pa.DataType, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", title=["x"] * 3, **{name: pa.array(TEXTS).cast(kind)})
    assert texts_of(path) == TEXTS


@pytest.mark.parametrize(
    ("columns", "options", "text"),
    [
        ({"headline": TEXTS, "id": [1, 2, 3], "label": ["a", "b", "a"]}, {}, "one"),
        ({"headline": TEXTS, "url": TEXTS, "image_name": TEXTS}, {}, "one"),
        ({"title": TEXTS, "body": TEXTS}, {"text_field": "title,body"}, "one\none"),
        ({"title": TEXTS, "year": [1, 2, 3]}, {"template": "{year}: {title}"}, "1: one"),
        ({"meta": [{"by": "me"}] * 3, "text": TEXTS}, {"text_field": "meta.by"}, "me"),
        ({"messages": TURNS}, {}, "hi\nyes"),
        ({"messages": TURNS, "source": TEXTS}, {"template": "chat"}, "hi\nyes"),
        ({"messages": TURNS, "text": TEXTS}, {"text_field": "messages.role"}, "user\nassistant"),
        ({"conversations": SHAREGPT}, {}, "hi\nyes"),
        ({"instruction": TEXTS, "input": ["", "a", "b"], "output": TEXTS}, {}, "one\none"),
        ({"instruction": TEXTS, "output": TEXTS}, {"template": "alpaca"}, "one\none"),
        ({"text": TEXTS, "vector": [[1.0]] * 3}, {}, "one"),
    ],
)
def test_texts_are_found_or_made_of_several(
    columns: dict[str, Any], options: dict[str, str], text: str, tmp_path: Path
) -> None:
    assert texts_of(write(tmp_path / "a.parquet", **columns), **options)[0] == text


def test_which_column_was_taken_is_said_where_its_name_says_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", headline=TEXTS, lang=["en"] * 3)
    assert "texts are those of the column headline" in open_reader(str(path)).remarks[0]
    assert not open_reader(str(path), text_field="headline").remarks


def test_of_several_columns_of_text_one_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", question=TEXTS, hint=TEXTS)
    with pytest.raises(DataError, match="called like a text; there are question, hint") as caught:
        open_reader(str(path))
    assert caught.value.hint == "choose: --text-field question"
    assert texts_of(path, text_field="question") == TEXTS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text_field": "none"}, "no column is called 'none'"),
        ({"text_field": "title,none"}, "no column is called 'none'"),
        ({"template": "{title}{none}"}, "no column is called 'none'"),
        ({"template": "alpaca"}, "no column is called 'instruction'"),
        ({"text_field": "number"}, "column number is of type int64"),
        ({"text_field": "title", "image_column": "title"}, "no column of images is called 'title'"),
        ({"template": "chat", "image_column": "title"}, "both say what a sample is"),
        ({"template": "chat", "features_column": "v"}, "both say what a sample is"),
    ],
)
def test_columns_that_cannot_be_the_text_are_refused(
    options: dict[str, str], said: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.parquet", title=TEXTS, number=[1, 2, 3])
    with pytest.raises(OptionError, match=said):
        open_reader(str(path), **options)


def test_a_table_with_pictures_is_one_of_pictures_until_its_texts_are_asked_for(
    tmp_path: Path, png: bytes
) -> None:
    path = write(tmp_path / "a.parquet", image=[png] * 3, text=TEXTS)
    assert scanned(path).modality == "image"
    assert texts_of(path, text_field="text") == TEXTS


@pytest.fixture
def png() -> bytes:
    import io

    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(sink, "png")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("ids", "keys"),
    [
        ([7, 8, 9], ["7", "8", "9"]),
        (["a", "A", "b/c"], ["a", "A", "b/c"]),
        (["a", "a", "b"], ["00000000", "00000001", "00000002"]),
        (["a", None, "b"], ["00000000", "00000001", "00000002"]),
        (["a", "../x", "b"], ["00000000", "00000001", "00000002"]),
        (["a", "x\ny", "b"], ["00000000", "00000001", "00000002"]),
        (["e\u0301", "\u00e9", "b"], ["00000000", "00000001", "00000002"]),
    ],
)
def test_ids_are_keys_where_they_tell_all_rows_apart(ids: list[Any], keys: list[str], tmp_path: Path) -> None:
    assert scanned(write(tmp_path / "a.parquet", id=ids, text=TEXTS)).keys == keys


def test_rows_without_a_text_say_why_and_rename_no_other(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", id=["a", "b", "c"], text=["x", None, ""], label=[0, 1, 0])
    dataset = scanned(path)
    assert dataset.keys == ["a", "b", "c"]
    assert dataset.rejects == {1: "no text in the field text", 2: "no text in the field text"}
    path = write(tmp_path / "b.parquet", title=["x", None, ""], body=["", None, "y"])
    assert list(scanned(path, text_field="title,body").rejects) == [1]


def test_bytes_that_are_no_utf_8_reject_their_row_alone(tmp_path: Path) -> None:
    broken = pa.array([b"x", b"\xff", b"z"]).view(pa.string())
    path = write(tmp_path / "a.parquet", text=broken, more=["a", "b", "c"])
    assert scanned(path).rejects == {1: "the text is not UTF-8"}
    assert scanned(path, text_field="more,text").rejects == {1: "the text is not UTF-8"}


def test_labels_are_those_of_images_and_sentiments(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=TEXTS, sentiment=["pos", "neg", "pos"])
    assert (scanned(path).classes, scanned(path).labels.tolist()) == (["neg", "pos"], [1, 0, 1])
    assert scanned(path, no_labels=True).labels.tolist() == [-1] * 3
    path = write(tmp_path / "b.parquet", sentence=TEXTS, category=[10, 2, 2], kind=["a", "b", "b"])
    assert scanned(path).classes == ["2", "10"]
    assert scanned(path, label_field="kind").classes == ["a", "b"]


def test_what_datasets_saves_is_read_with_its_class_names_and_splits(tmp_path: Path) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["zebra", "ant"])})
    from datasets import DatasetDict

    rows = {"text": TEXTS, "label": [1, 0, -1]}
    both = DatasetDict(train=Saved.from_dict(rows, features=features), test=Saved.from_dict(rows))
    both.save_to_disk(tmp_path / "d")
    dataset = scanned(tmp_path / "d")
    assert (dataset.classes, dataset.labels.tolist()) == (["zebra", "ant"], [1, 0, -1])
    assert texts_of(tmp_path / "d", split="test") == TEXTS
    both["train"].to_parquet(tmp_path / "p" / "train-00000-of-00001.parquet")
    assert scanned(tmp_path / "p").classes == ["zebra", "ant"]
    stream = tmp_path / "c" / "snippets-train.arrow"
    stream.parent.mkdir()
    with pa.ipc.new_stream(stream, pa.schema([("text", pa.string())])) as out:
        out.write_table(pa.table({"text": TEXTS}), max_chunksize=2)
    assert texts_of(stream.parent) == TEXTS


def test_rows_are_read_in_any_order_across_files_and_groups(tmp_path: Path) -> None:
    for part in range(3):
        texts = [f"{part}-{row}" for row in range(7)]
        write(tmp_path / "d" / f"train-0000{part}-of-00003.parquet", group=3, text=texts)
    reader = open_reader(str(tmp_path / "d"))
    dataset = scan(reader, tmp_path / "scans", SILENT)
    whole = list(reader.payloads(dataset.samples))
    order = np.random.default_rng(0).permutation(len(whole))
    assert list(reader.payloads(dataset.samples.take(pa.array(order)))) == [whole[row] for row in order]


def test_a_file_that_became_shorter_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=TEXTS)
    samples = scanned(path).samples
    write(path, text=TEXTS[:1])
    with pytest.raises(DataError, match=r"a\.parquet ends before row 1"):
        list(open_reader(str(path)).payloads(samples))
