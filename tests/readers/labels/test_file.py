from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import DataError, OptionError
from prune.readers.labels.file import LabelFile, open_labels

KEYS = [f"{row:04d}.jpg" for row in range(4)]
CLASSES = ["pug", "husky", "pug", "husky"]


def labels(path: Path, keys: list[str], field: str | None = None) -> list[str | None]:
    return LabelFile(path, field).labels(pa.chunked_array([keys])).texts.to_pylist()


def table(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([*([header] if header else []), *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    "header", ["id,breed", "image_id,label", "Filename,Class", "file,whatever", "ImageId,y"]
)
@pytest.mark.parametrize("suffix", ["", ".jpg", ".JPG"])
def test_kaggle_names_its_samples_with_or_without_a_suffix(header, suffix, tmp_path):
    rows = [f"{row:04d}{suffix},{name}" for row, name in enumerate(CLASSES)]
    assert labels(table(tmp_path / "l.csv", header, *rows), KEYS) == CLASSES


@pytest.mark.parametrize(
    "before", ["./", "train/", "/kaggle/input/dogs/train/", "data\\train\\", "..\\input\\train\\"]
)
def test_a_path_from_elsewhere_is_cut_to_the_key(before, tmp_path):
    rows = [f"{before}a/{key},{name}" for key, name in zip(KEYS, CLASSES, strict=True)]
    assert labels(table(tmp_path / "l.csv", "path,label", *rows), [f"a/{key}" for key in KEYS]) == CLASSES


def test_a_file_name_stands_for_a_sample_in_a_folder(tmp_path):
    rows = [f"{key},{name}" for key, name in zip(KEYS, CLASSES, strict=True)]
    assert (
        labels(table(tmp_path / "l.csv", "file,label", *rows), [f"train/x/{key}" for key in KEYS]) == CLASSES
    )


def test_two_samples_of_one_file_name_are_not_mixed_up(tmp_path):
    path = table(tmp_path / "l.csv", "file,label", "1.jpg,a", "2.jpg,b")
    with pytest.raises(DataError, match="no row of .* names a sample"):
        labels(path, ["x/1.jpg", "y/1.jpg"])


def test_numbers_lose_their_zeros_and_find_their_sample(tmp_path):
    pq.write_table(pa.table({"id": range(4), "label": CLASSES}), tmp_path / "l.parquet")
    assert labels(tmp_path / "l.parquet", KEYS) == CLASSES


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "|"])
@pytest.mark.parametrize("header", ["file{0}label", ""])
def test_the_delimiter_and_the_header_are_found_by_looking(delimiter, header, tmp_path):
    rows = [f"{key}{delimiter}{name}" for key, name in zip(KEYS, CLASSES, strict=True)]
    assert labels(table(tmp_path / "l.txt", header.format(delimiter), *rows), KEYS) == CLASSES


def test_a_csv_may_be_compressed_begin_with_a_mark_and_have_quotes(tmp_path):
    text = '\ufeffid,label\n"0000","pug, the ""small"" one"\n0001,husky\n'
    (tmp_path / "l.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert labels(tmp_path / "l.csv.gz", KEYS[:2]) == ['pug, the "small" one', "husky"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_parquet_in_any_width(kind, tmp_path):
    pq.write_table(
        pa.table({"key": pa.array(KEYS, kind), "label": pa.array(CLASSES, kind)}), tmp_path / "l.parquet"
    )
    assert labels(tmp_path / "l.parquet", KEYS) == CLASSES


def test_whole_floats_of_pandas_are_whole_numbers(tmp_path):
    held = pa.table({"id": ["0000", "0001"], "label": pa.array([3.0, None])})
    pq.write_table(held, tmp_path / "l.parquet")
    assert labels(tmp_path / "l.parquet", KEYS[:2]) == ["3", None]


def test_what_does_not_match_is_counted(tmp_path):
    path = table(tmp_path / "l.csv", "id,breed", "0000,a", "0001,b", "9999,c", "8888,c", "7777,d")
    found = LabelFile(path).labels(pa.chunked_array([KEYS]))
    assert found.texts.to_pylist() == ["a", "b", None, None]
    assert found.said == (
        "labels of l.csv, column 'breed', by 'id': 2 of 4 samples; 2 samples are not in it; "
        "3 of its rows name no sample"
    )


def test_no_match_at_all_shows_a_key_of_each_side(tmp_path):
    with pytest.raises(DataError, match=r"it has 'zebra', the dataset '0000.jpg'"):
        labels(table(tmp_path / "l.csv", "id,label", "zebra,a"), KEYS)


def test_several_columns_of_labels_are_refused_until_one_is_chosen(tmp_path):
    path = table(
        tmp_path / "l.csv", "id,left eye,right eye", *(f"{row:04d},l{row},r{row}" for row in range(4))
    )
    with pytest.raises(OptionError, match="may hold the label: left eye, right eye") as caught:
        labels(path, KEYS)
    assert caught.value.hint == "choose: --label-field 'left eye'"
    assert labels(path, KEYS, "right eye") == ["r0", "r1", "r2", "r3"]
    with pytest.raises(OptionError, match="has no column 'nose'"):
        labels(path, KEYS, "nose")


def test_two_rows_of_a_sample_may_agree_but_not_differ(tmp_path):
    assert labels(table(tmp_path / "l.csv", "id,label", "0000,a", "0000,a", "0001,b"), KEYS[:2]) == ["a", "b"]
    with pytest.raises(DataError, match="more than one label for 1 sample"):
        labels(table(tmp_path / "l.csv", "id,label", "0000,a", "0000,c", "0001,b"), KEYS[:2])


def test_one_column_is_matched_by_row_where_rows_have_numbers(tmp_path):
    keys = pa.chunked_array([[str(row) for row in range(4)]])
    for header in ("label", ""):
        path = table(tmp_path / "l.csv", header, *CLASSES)
        assert LabelFile(path).labels(keys, numbered=True).texts.to_pylist() == CLASSES
    with pytest.raises(DataError, match="one column of 4 rows, and there are 4 samples"):
        labels(path, KEYS)


@pytest.mark.parametrize(
    ("name", "data", "error", "match"),
    [
        ("l.csv", b"", DataError, "is empty"),
        ("l.csv", b"id,label\n", DataError, "."),
        ("l.csv", "id,label\n1,a\n".encode("utf-16"), DataError, "UTF-16"),
        ("l.csv", b"id,label\n1,a,b\n", DataError, "cannot be read"),
        ("l.csv", b"id,label\n1,\xff\n", DataError, "cannot be read"),
        ("l.parquet", b"PAR1", DataError, "cannot be read"),
        ("l.xlsx", b"PK", OptionError, "is no table that prune reads"),
    ],
)
def test_what_cannot_be_read_is_said(name, data, error, match, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(error, match=match):
        labels(tmp_path / name, ["1"])


def test_a_file_that_is_not_there_is_an_option(tmp_path):
    with pytest.raises(OptionError, match="is not a file"):
        open_labels(str(tmp_path / "none.csv"), None)


def test_rows_in_another_order_find_their_samples(tmp_path):
    keys = [f"train/{row:07d}.jpg" for row in range(20_000)]
    ids = np.random.default_rng(0).permutation(20_000)
    held = pa.table({"id": [f"{row:07d}" for row in ids], "label": ids % 10})
    pq.write_table(held, tmp_path / "l.parquet")
    assert labels(tmp_path / "l.parquet", keys) == [str(row % 10) for row in range(20_000)]
