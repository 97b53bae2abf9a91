"""Features from a file find their samples by row or by key."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import DataError
from prune.encoders import precomputed_column
from prune.store import SAMPLES, Dataset

N, D = 150, 5


def dataset(n=N, rejected=()):
    columns = {
        "key": [f"k{i:03d}" for i in range(n)],
        "reason": ["x" if i in rejected else None for i in range(n)],
    }
    arrays = [pa.array(columns.get(f.name, [None] * n), f.type) for f in SAMPLES]
    return Dataset("imagefolder", None, [], {}, pa.table(arrays, schema=SAMPLES))


def matrix(n=N):
    return np.random.default_rng(0).normal(size=(n, D)).astype(np.float32)


def saved(path, values):
    np.save(path, values)
    return path


def lists(values, kind=None):
    return pa.array(values.tolist(), kind or pa.list_(pa.float32()))


def keyed(path, keys, group=40, **columns):
    pq.write_table(pa.table({"key": keys, **columns}), path, row_group_size=group)
    return path


KEYS = dataset().keys


def test_a_matrix_is_matched_by_row(tmp_path, column):
    writer = column(N)
    precomputed_column(saved(tmp_path / "x.npy", matrix()), dataset(), writer)
    read = writer.finish().read()
    assert read.dtype == np.float16
    np.testing.assert_array_equal(read, matrix().astype(np.float16))


@pytest.mark.parametrize("values", [matrix().astype(np.float64), np.asfortranarray(matrix())])
def test_any_type_and_layout_will_do(tmp_path, column, values):
    writer = column(N)
    precomputed_column(saved(tmp_path / "x.npy", values), dataset(), writer, np.float32)
    np.testing.assert_array_equal(writer.finish().read(), matrix())


@pytest.mark.parametrize("kind", [None, pa.list_(pa.float64(), D), pa.large_list(pa.float32())])
def test_a_parquet_file_is_matched_by_key(tmp_path, column, kind):
    order = np.random.default_rng(1).permutation(N)
    path = keyed(
        tmp_path / "x.parquet", ["other", *np.array(KEYS)[order]], label=list(range(N + 1)),
        vector=lists(np.concatenate([np.full((1, D), np.nan), matrix()[order]]), kind),
    )  # fmt: skip
    writer = column(N)
    precomputed_column(path, dataset(), writer, np.float32)
    np.testing.assert_array_equal(writer.finish().read(), matrix())


def test_one_numeric_column_a_dimension_will_do(tmp_path, column):
    path = keyed(tmp_path / "x.parquet", KEYS, **{f"f{j}": matrix()[:, j] for j in range(D)})
    writer = column(N)
    precomputed_column(path, dataset(), writer, np.float32)
    np.testing.assert_array_equal(writer.finish().read(), matrix())


def test_an_interrupted_copy_goes_on_where_it_was(tmp_path, column):
    path = saved(tmp_path / "x.npy", matrix())
    begun = column(N)
    part = next(begun.missing())
    begun.put(part, matrix()[part.start : part.stop].astype(np.float16))
    again = column(N)
    assert [p.number for p in again.missing()] == [1, 2]
    precomputed_column(path, dataset(), again)
    np.testing.assert_array_equal(again.finish().read(), matrix().astype(np.float16))


def test_rejected_rows_are_nan_whatever_the_file_says(tmp_path, column):
    values = matrix()
    values[7] = np.inf
    writer = column(N)
    precomputed_column(saved(tmp_path / "x.npy", values), dataset(rejected={7, 9}), writer)
    assert np.flatnonzero(np.isnan(writer.finish().read()).all(axis=1)).tolist() == [7, 9]


def test_a_rejected_sample_may_be_missing_from_the_file(tmp_path, column):
    path = keyed(tmp_path / "x.parquet", KEYS[:-1], vector=lists(matrix()[:-1]))
    writer = column(N)
    precomputed_column(path, dataset(rejected={N - 1}), writer, np.float32)
    read = writer.finish().read()
    np.testing.assert_array_equal(read[:-1], matrix()[:-1])
    assert np.isnan(read[-1]).all()


def test_rows_of_zeros_are_kept_and_counted(tmp_path, column, listener):
    values = matrix()
    values[[3, 5]] = 0
    precomputed_column(saved(tmp_path / "x.npy", values), dataset(), column(N), reporter=listener)
    assert listener.said == ["2 of 150 embeddings are all zeros; they are kept"]


@pytest.mark.parametrize("by_key", [False, True])
def test_what_is_not_finite_is_named_by_key(tmp_path, column, by_key):
    values = matrix()
    values[[2, 30, 60, 149], [0, 1, 2, 3]] = [np.nan, np.inf, -np.inf, np.nan]
    path = (
        keyed(tmp_path / "x.parquet", KEYS[::-1], vector=lists(values[::-1]))
        if by_key
        else saved(tmp_path / "x.npy", values)
    )
    writer = column(N)
    with pytest.raises(DataError, match=r"NaN or infinity for 4 keys \('k002', 'k030', 'k060', …\)"):
        precomputed_column(path, dataset(), writer)
    assert len(list(writer.missing())) == 3  # nothing was written


def test_the_number_of_rows_must_be_that_of_the_dataset(tmp_path, column):
    with pytest.raises(DataError, match="has 149 rows, the dataset has 150 samples"):
        precomputed_column(saved(tmp_path / "x.npy", matrix(149)), dataset(), column(N))


def test_missing_keys_are_counted_and_shown(tmp_path, column):
    path = keyed(tmp_path / "x.parquet", KEYS[4:], vector=lists(matrix()[4:]))
    with pytest.raises(DataError, match=r"lacks 4 keys \('k000', 'k001', 'k002', …\)"):
        precomputed_column(path, dataset(), column(N))


def test_duplicate_keys_are_counted_and_shown(tmp_path, column):
    path = keyed(tmp_path / "x.parquet", [*KEYS, "k001"], vector=lists(matrix(N + 1)))
    with pytest.raises(DataError, match=r"holds 1 key \('k001'\) more than once"):
        precomputed_column(path, dataset(), column(N))


def test_what_half_precision_cannot_hold_wants_float32(tmp_path, column):
    with pytest.raises(DataError, match="beyond 65504, the limit of float16") as caught:
        precomputed_column(saved(tmp_path / "x.npy", matrix() * 1e6), dataset(), column(N))
    assert caught.value.hint == "add --dtype float32"


def test_lists_of_different_lengths_are_no_matrix(tmp_path, column):
    ragged = pa.array([[1.0] * (4 + (i == 77)) for i in range(N)])
    with pytest.raises(DataError, match="lists of different lengths in 'vector'"):
        precomputed_column(keyed(tmp_path / "x.parquet", KEYS, vector=ragged), dataset(), column(N))


def test_a_missing_list_is_no_row(tmp_path, column):
    holed = pa.array([None if i == 8 else [1.0, 2.0] for i in range(N)])
    with pytest.raises(DataError, match="different lengths"):
        precomputed_column(keyed(tmp_path / "x.parquet", KEYS, vector=holed), dataset(), column(N))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": lists(matrix()), "b": lists(matrix())}, "more than one column of lists: 'a', 'b'"),
        ({"word": KEYS}, "no column of lists of numbers"),
    ],
)
def test_it_must_be_plain_which_columns_are_the_features(tmp_path, column, columns, message):
    with pytest.raises(DataError, match=message):
        precomputed_column(keyed(tmp_path / "x.parquet", KEYS, **columns), dataset(), column(N))


def test_a_parquet_file_without_keys_is_not_matched_by_guessing(tmp_path, column):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"vector": lists(matrix())}), path)
    with pytest.raises(DataError, match="has no column 'key'"):
        precomputed_column(path, dataset(), column(N))


@pytest.mark.parametrize(
    "values",
    [np.zeros((N, 2, 2)), np.zeros(N), np.zeros((N, 0)), np.full((N, 2), "x"), np.zeros((N, 2), complex)],
)
def test_only_a_matrix_of_numbers_will_do(tmp_path, column, values):
    with pytest.raises(DataError, match="want a matrix of numbers"):
        precomputed_column(saved(tmp_path / "x.npy", values), dataset(), column(N))


def test_a_pickle_in_a_npy_file_is_never_opened(tmp_path, column):
    np.save(tmp_path / "x.npy", np.array([{}, []], object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read as .npy"):
        precomputed_column(tmp_path / "x.npy", dataset(2), column(2))


@pytest.mark.parametrize("suffix", ["npy", "parquet"])
def test_a_file_cut_short_is_one_sentence(tmp_path, column, suffix):
    path = tmp_path / f"x.{suffix}"
    keyed(path, KEYS, vector=lists(matrix())) if suffix == "parquet" else saved(path, matrix())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="cannot be read"):
        precomputed_column(path, dataset(), column(N))


def test_a_missing_file_and_one_of_another_kind(tmp_path, column):
    with pytest.raises(DataError, match="there is no file"):
        precomputed_column(tmp_path / "none.npy", dataset(), column(N))
    (tmp_path / "x.npy").write_text("1,2,3")
    with pytest.raises(DataError, match="neither a .npy nor a parquet file"):
        precomputed_column(tmp_path / "x.npy", dataset(), column(N))


def test_a_footer_that_lies_about_the_rows_is_damage(tmp_path, column):
    path = keyed(tmp_path / "x.parquet", KEYS, f=lists(matrix()))
    rows, fewer = b"\x16\xac\x02\x19\x4c", b"\x16\xac\x01\x19\x4c"  # 150 and 86, then four row groups
    data = path.read_bytes()
    assert data.count(rows) == 1
    path.write_bytes(data.replace(rows, fewer))
    assert pq.ParquetFile(path).metadata.num_rows == 86
    with pytest.raises(DataError, match="is damaged: its footer tells of 86 rows, its keys are 150"):
        precomputed_column(path, dataset(), column(N))
