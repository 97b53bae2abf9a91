"""Scores from a file find their samples by key, and nothing is guessed."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import DataError, OptionError
from prune.scorers import imported_scores
from prune.store import SAMPLES, Dataset


def dataset(keys, rejected=()):
    columns = {"key": keys, "reason": ["broken" if k in rejected else None for k in keys]}
    blank = [None] * len(keys)
    arrays = [pa.array(columns.get(f.name, blank), f.type) for f in SAMPLES]
    return Dataset("imagefolder", None, [], {}, pa.table(arrays, schema=SAMPLES))


def saved(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


ABC = dataset(["a", "b", "c"])


def test_values_follow_their_keys_whatever_the_order_and_extra_keys(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["c", "x", "a", "b"], loss=[3.0, 9.0, 1.0, 2.0])
    scores = imported_scores(path, ABC)
    assert list(scores) == ["loss"]
    assert scores["loss"].dtype == np.float32
    assert scores["loss"].tolist() == [1, 2, 3]


def test_every_numeric_column_is_a_score_unless_some_are_named(tmp_path):
    columns = {"word": ["x", "y", "z"], "whole": [1, 2, 3], "half": np.ones(3, np.float16), "yes": [True] * 3}
    path = saved(tmp_path / "s.parquet", key=["a", "b", "c"], **columns)
    assert set(imported_scores(path, ABC)) == {"whole", "half", "yes"}
    assert set(imported_scores(path, ABC, ["half"])) == {"half"}


def test_a_csv_keeps_keys_that_look_like_numbers_as_text(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text('key,loss\n"00,1",1\n01,2\n"1\n2",3\nNA,4\n')
    found = imported_scores(path, dataset(["01", "00,1", "1\n2", "NA"]))
    assert found["loss"].tolist() == [2, 1, 3, 4]


def test_a_tsv_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_bytes("\ufeffkey\tscore\nä\t1e-3\n".encode())
    assert imported_scores(path, dataset(["ä"]))["score"].tolist() == [np.float32(1e-3)]


def test_keys_that_are_row_numbers_match_as_text(tmp_path):
    path = saved(tmp_path / "s.parquet", key=[1, 0], loss=[10.0, 20.0])
    assert imported_scores(path, dataset(["0", "1"]))["loss"].tolist() == [20, 10]


def test_a_rejected_sample_needs_no_score_and_gets_none(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["a", "b"], loss=[1.0, np.nan])
    scores = imported_scores(path, dataset(["a", "b", "c"], rejected=["b", "c"]))["loss"]
    np.testing.assert_array_equal(scores, [1, np.nan, np.nan])


def test_missing_keys_are_counted_and_the_first_three_shown(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["k0"], loss=[1.0])
    with pytest.raises(DataError, match=r"lacks 4 keys \('k1', 'k2', 'k3', …\)"):
        imported_scores(path, dataset([f"k{i}" for i in range(5)]))


def test_duplicate_keys_are_counted_and_shown(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["a", "b", "c", "b"], loss=[1.0, 2.0, 3.0, 2.0])
    with pytest.raises(DataError, match=r"holds 1 key \('b'\) more than once"):
        imported_scores(path, ABC)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300, None])
def test_what_is_not_finite_in_float32_is_refused_with_its_keys(tmp_path, bad):
    path = saved(tmp_path / "s.parquet", key=["a", "b", "c"], loss=[1.0, bad, 2.0])
    with pytest.raises(DataError, match=r"'loss' of .* is not finite for 1 key \('b'\)"):
        imported_scores(path, ABC)


def test_a_column_that_is_not_there_is_a_wrong_option(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["a", "b", "c"], loss=[1, 2, 3])
    with pytest.raises(OptionError, match=r"no column 'aum' \(it has: key, loss\)"):
        imported_scores(path, ABC, ["aum"])


def test_words_are_no_scores(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["a", "b", "c"], word=["x", "y", "z"])
    with pytest.raises(DataError, match=r"'word' .* holds string, not numbers"):
        imported_scores(path, ABC, ["word"])
    with pytest.raises(DataError, match="no numeric column"):
        imported_scores(path, ABC)


@pytest.mark.parametrize("name", ["my score", "../loss", "", "a\x1b[2J", "=1+1"])
def test_a_column_whose_name_is_no_name_is_refused(tmp_path, name):
    path = saved(tmp_path / "s.parquet", **{"key": ["a", "b", "c"], name: [1, 2, 3]})
    with pytest.raises(DataError, match="cannot name a score") as caught:
        imported_scores(path, ABC)
    assert "\x1b" not in str(caught.value)


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("key,loss,loss\na,1,2\nb,1,2\nc,1,2\n")
    with pytest.raises(DataError, match="2 columns called 'loss'"):
        imported_scores(path, ABC)


@pytest.mark.parametrize("header", ["name,loss", "key,key"])
def test_without_one_key_column_nothing_is_joined(tmp_path, header):
    path = tmp_path / "s.csv"
    path.write_text(f"{header}\na,1\n")
    with pytest.raises(DataError, match="has no column 'key'"):
        imported_scores(path, ABC)


@pytest.mark.parametrize(
    "content", [b"", b"key,loss\na\n", b"key,loss\n\xff\xfe,1\n", b"PAR1nothing", b"PAR1", b"\x00\x00,\n"]
)
def test_a_hostile_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "s.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        imported_scores(path, ABC)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_one_of_another_kind(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        imported_scores(tmp_path / "none.csv", ABC)
    (tmp_path / "s.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(OptionError, match="neither parquet nor csv"):
        imported_scores(tmp_path / "s.pkl", ABC)


def family(folder, tables):
    folder.mkdir()
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / name)
    return folder


def test_tables_beside_shards_are_one(tmp_path):
    folder = family(
        tmp_path / "cc",
        {
            "00000.parquet": {"key": ["a", "b", "lost"], "sim": [1, 2, 9], "status": ["ok", "ok", "failed"]},
            "00001.parquet": {"key": ["c"], "sim": [3.5], "status": ["ok"]},
        },
    )
    (folder / "00000_stats.json").write_text("{}")
    for name in (folder, f"{folder}/*.parquet", f"{folder}/{{00000..00001}}.parquet"):
        assert imported_scores(name, ABC)["sim"].tolist() == [1, 2, 3.5]
    with pytest.raises(DataError, match=r"lacks 1 key \('c'\)"):
        imported_scores(folder / "00000.parquet", ABC)
    pq.write_table(pa.table({"key": ["b"], "sim": [7.0]}), folder / "00002.parquet")
    with pytest.raises(DataError, match=r"holds 1 key \('b'\) more than once"):
        imported_scores(folder, ABC)


@pytest.mark.parametrize("column", ["__key__", "id", "file_name", "path", "image_id", "uid"])
def test_keys_may_be_called_as_others_call_them(tmp_path, column):
    path = tmp_path / "s.parquet"
    pq.write_table(pa.table({column: ["b", "c", "a"], "loss": [2, 3, 1]}), path)
    assert imported_scores(path, ABC)["loss"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "given", [["cat/1.png", "dog/2.png"], ["cat/1", "dog/2"], ["1.jpg", "2.jpg"], ["1", "2"], [1, 2]]
)
def test_keys_are_found_without_suffix_and_folder(tmp_path, given):
    path = saved(tmp_path / "s.parquet", image_id=given[::-1], loss=[2.0, 1.0])
    assert imported_scores(path, dataset(["cat/1.png", "dog/2.png"]))["loss"].tolist() == [1, 2]


def test_a_name_that_two_samples_share_finds_neither(tmp_path):
    path = saved(tmp_path / "s.parquet", key=["1", "2"], loss=[2.0, 1.0])
    with pytest.raises(DataError, match="lacks 2 keys"):
        imported_scores(path, dataset(["cat/1.png", "dog/1.png"]))
    path = saved(tmp_path / "t.parquet", key=["cat/1", "cat/1", "dog/2"], loss=[2.0, 1.0, 0.0])
    with pytest.raises(DataError, match=r"holds 1 key \('cat/1'\) more than once"):
        imported_scores(path, dataset(["cat/1.png", "dog/2.png"]))


def test_keys_that_count_anew_in_each_shard_are_found_by_its_name(tmp_path):
    tables = {
        f"{name}.parquet": {"key": ["0", "1"], "sim": values}
        for name, values in [("x", [1, 2]), ("y", [3, 4])]
    }
    folder = family(tmp_path / "cc", tables)
    assert imported_scores(folder, dataset(["x/0", "x/1", "y/0", "y/1"]))["sim"].tolist() == [1, 2, 3, 4]


def test_a_folder_without_tables_or_of_two_kinds_says_what_to_name(tmp_path):
    folder = family(tmp_path / "cc", {"a.parquet": {"key": ["a", "b", "c"], "sim": [1, 2, 3]}})
    (folder / "b.csv").write_text("key,sim\na,1\n")
    with pytest.raises(DataError, match=r"holds \.csv and \.parquet files") as caught:
        imported_scores(folder, ABC)
    assert f"{folder}/*.csv" in caught.value.hint
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no parquet or csv file"):
        imported_scores(tmp_path / "none", ABC)
    with pytest.raises(DataError, match="there is no file"):
        imported_scores(f"{folder}/*.tsv", ABC)
