"""A `.npy` of features or images, and labels beside it."""

import pickle

import numpy as np
import pyarrow as pa
import pytest

from prune.core.content import content_digest
from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.modalities.image import Crop, read_images
from prune.readers import open_reader, recognise
from prune.readers.arrays import Arrays, open_arrays
from prune.readers.sample import RAW, sources_of
from prune.readers.scan import scan
from prune.system import files

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)


def scanned(reader: Arrays) -> pa.Table:
    tables = [reader.scan(unit) for unit in reader.units()]
    assert all(table.schema.equals(RAW) for table in tables)
    return pa.concat_tables([table.replace_schema_metadata(None) for table in tables])


def test_a_matrix_is_one_sample_a_row(tmp_path):
    features = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", features)
    np.save(tmp_path / "y.npy", np.array([10, 9, 10, -1, 9]))
    assert recognise(str(tmp_path / "x.npy")) == "arrays"
    reader = open_reader(str(tmp_path / "x.npy"))
    table = scanned(reader)
    assert table["key"].to_pylist() == ["0", "1", "2", "3", "4"]
    assert table["index"].to_pylist() == [0, 1, 2, 3, 4]
    assert table["label"].to_pylist() == ["10", "9", "10", "-1", "9"]
    assert table["digest"].to_pylist() == [content_digest(row.tobytes()) for row in features]
    assert reader.classes(["10", "9", "-1"]) == ["-1", "9", "10"]
    (unit,) = reader.units()
    expected = {name: files.sha256(tmp_path / name) for name in ("x.npy", "y.npy")}
    assert sources_of(reader.scan(unit)) == expected


def test_features_are_not_images(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((5, 3)))
    reader = open_arrays(str(tmp_path / "x.npy"))
    with pytest.raises(DataError, match="is a matrix of features") as caught:
        next(reader.payloads(scanned(reader)))
    assert caught.value.hint.startswith("prune embed --encoder precomputed")


def test_long_arrays_come_in_several_units(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((65_537, 1), np.uint8))
    reader = open_arrays(str(tmp_path / "x.npy"))
    assert [reader.scan(unit).num_rows for unit in reader.units()] == [65_536, 1]
    assert scanned(reader)["key"][65_536].as_py() == "65536"


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        (PIXELS, (8, 8, 3)),
        (PIXELS[..., 0], (8, 8)),
        (PIXELS[..., :1], (8, 8, 1)),
        (PIXELS.transpose(0, 3, 1, 2), (8, 8, 3)),
        (PIXELS[..., :1].transpose(0, 3, 1, 2), (8, 8, 1)),
        (PIXELS.astype(np.float32) / 255, (8, 8, 3)),
    ],
)
def test_images_of_every_shape_are_read_as_pixels(tmp_path, stored, shape):
    np.save(tmp_path / "x.npy", stored)
    reader = open_arrays(str(tmp_path / "x.npy"))
    table = scanned(reader).take([5, 0, 2])
    assert next(reader.payloads(table)).shape == shape
    ((_, found, reasons),) = read_images(reader, table, Crop(8, 8), workers=0)
    expected = PIXELS[[5, 0, 2]].transpose(0, 3, 1, 2)
    grey = shape[2:] != (3,)
    np.testing.assert_array_equal(found, np.repeat(expected[:, :1], 3, 1) if grey else expected)
    assert reasons == {}


def test_rows_that_are_not_finite_are_rejected(tmp_path):
    features = np.zeros((4, 2))
    features[1, 0], features[3, 1] = np.nan, np.inf
    np.save(tmp_path / "x.npy", features)
    reasons = scanned(open_arrays(str(tmp_path / "x.npy")))["reason"].to_pylist()
    assert reasons == [None, "non-finite values", None, "non-finite values"]


def test_labels_may_be_texts_in_a_file_that_is_named(tmp_path):
    (tmp_path / "far").mkdir()
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    np.save(tmp_path / "far" / "l.npy", np.array(["dog", "", "cat"]))
    reader = open_arrays(str(tmp_path / "x.npy"), labels=str(tmp_path / "far" / "l.npy"))
    assert scanned(reader)["label"].to_pylist() == ["dog", None, "cat"]
    assert reader.classes(["dog", "cat"]) == ["cat", "dog"]
    assert reader.labels == "far/l.npy"
    assert reader.options == {"labels": "far/l.npy"}
    assert reader.places == [tmp_path / "x.npy", tmp_path / "far" / "l.npy"]


def test_labels_are_looked_for_by_name_the_closest_first(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    assert open_arrays(str(tmp_path / "x.npy")).labels is None
    for name in ("y.npy", "labels.npy", "x_labels.npy"):
        np.save(tmp_path / name, np.zeros(2, int))
        assert open_arrays(str(tmp_path / "x.npy")).labels == name


def test_a_reader_that_has_read_travels_to_another_process(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    reader = open_arrays(str(tmp_path / "x.npy"))
    table = scanned(reader)
    data = pickle.dumps(reader)
    assert len(data) < 1000
    np.testing.assert_array_equal(list(pickle.loads(data).payloads(table)), PIXELS)  # noqa: S301


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(4), r"the shape \(4,\)"),
        (np.zeros((2, 2, 2, 2, 2)), "the shape"),
        (np.zeros((0, 3)), r"the shape \(0, 3\)"),
        (np.array([["a", "b"]]), "the type <U1"),
        (np.zeros((2, 8, 8, 5)), r"the shape \(2, 8, 8, 5\)"),
        (np.array([[object()]]), "cannot be read as .npy"),
    ],
)
def test_what_is_neither_features_nor_images_is_refused(tmp_path, values, message):
    np.save(tmp_path / "x.npy", values, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        open_arrays(str(tmp_path / "x.npy"))


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros((2, 2), int)])
def test_labels_that_do_not_fit_are_refused(tmp_path, labels):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    np.save(tmp_path / "y.npy", labels)
    with pytest.raises(DataError, match="but there are 2 samples"):
        open_arrays(str(tmp_path / "x.npy"))


@pytest.mark.parametrize("kept", [0, 5, 60, 200])
def test_a_file_cut_short_is_refused(tmp_path, kept):
    np.save(tmp_path / "x.npy", np.zeros((20, 4)))
    data = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data[:kept])
    with pytest.raises(DataError, match=r"x\.npy cannot be read"):
        open_arrays(str(tmp_path / "x.npy"))


def test_an_archive_of_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros((2, 2)))
    (tmp_path / "x.npz").rename(tmp_path / "x.npy")
    with pytest.raises(DataError, match="holds several arrays"):
        open_arrays(str(tmp_path / "x.npy"))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="is not a file"):
        open_arrays(str(tmp_path / "x.npy"))
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    with pytest.raises(OptionError, match="--labels .* is not a file"):
        open_arrays(str(tmp_path / "x.npy"), labels=str(tmp_path / "l.npy"))


@pytest.mark.parametrize(
    ("labels", "classes", "ids"),
    [
        (np.array([[3], [1], [3]]), ["1", "3"], [1, 0, 1]),
        (np.array([3.0, np.nan, 1.0]), ["1", "3"], [1, -1, 0]),
        (np.array([[2.0], [10.0], [2.0]], np.float32), ["2", "10"], [0, 1, 0]),
        (np.array([0, -1, 1]), ["0", "1"], [0, -1, 1]),
        (np.array([1, -1, 1]), ["-1", "1"], [1, 0, 1]),
    ],
)
def test_labels_as_people_keep_them(tmp_path, labels, classes, ids):
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(3, 2))
    np.save(tmp_path / "y.npy", labels)
    dataset = scan(open_arrays(str(tmp_path / "x.npy")), tmp_path / "scans", SILENT)
    assert (dataset.classes, dataset.labels.tolist()) == (classes, ids)


@pytest.mark.parametrize("odd", [0.5, np.inf])
def test_a_fraction_is_no_class(tmp_path, odd):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    np.save(tmp_path / "y.npy", np.array([1.0, odd]))
    with pytest.raises(DataError, match=f"y.npy holds {odd:g}, which is no class"):
        open_arrays(str(tmp_path / "x.npy"))
