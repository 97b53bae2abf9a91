"""What `datasets` writes is read back: every row, its bytes, its label, in order."""

import errno
import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, disable_progress_bars
from datasets import Image as ImageFeature
from PIL import Image

from prune.core.content import content_digest
from prune.core.errors import DataError, OptionError
from prune.readers import open_reader, recognise
from prune.readers.huggingface import HuggingFace, looks_like, open_huggingface
from prune.readers.sample import RAW, sources_of
from prune.system import files

disable_progress_bars()
NAMES = ["zebra", "ant", "bee"]
FEATURES = Features({"image": ImageFeature(), "label": ClassLabel(names=NAMES)})
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(number: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((4, 4), number, np.uint8)).save(out, "PNG")
    return out.getvalue()


def dataset(numbers, path: str | None = "img{}.png") -> Dataset:
    images = [{"bytes": png(i), "path": path and path.format(i)} for i in numbers]
    return Dataset.from_dict({"image": images, "label": [i % 3 for i in numbers]}, features=FEATURES)


def parquet(path: Path, /, metadata: dict | None = None, group: int = 4, **columns) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if metadata:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": metadata}})})
    pq.write_table(table, path, row_group_size=group)


def images(numbers, paths=None) -> pa.Array:
    paths = paths or [None] * len(numbers)
    rows = [{"bytes": png(i), "path": path} for i, path in zip(numbers, paths, strict=True)]
    return pa.array(rows, STRUCT)


def scanned(reader: HuggingFace) -> pa.Table:
    tables = [reader.scan(unit) for unit in reader.units()]
    assert all(table.schema.equals(RAW) for table in tables)
    return pa.concat_tables([table.replace_schema_metadata(None) for table in tables])


def test_a_split_saved_to_disk_is_read_as_it_was_saved(tmp_path):
    both = DatasetDict(train=dataset(range(7)), test=dataset([8, 9]))
    both.save_to_disk(tmp_path / "d", num_shards={"train": 3, "test": 1})
    assert recognise(str(tmp_path / "d")) == "huggingface"
    reader = open_reader(str(tmp_path / "d"))
    table = scanned(reader)
    assert table["key"].to_pylist() == [f"img{i}.png" for i in range(7)]
    assert table["label"].to_pylist() == [NAMES[i % 3] for i in range(7)]
    assert table["image_size"].to_pylist() == [len(png(i)) for i in range(7)]
    assert table["digest"].to_pylist() == [content_digest(png(i)) for i in range(7)]
    assert table["shard"].to_pylist() == [f"train/data-0000{s}-of-00003.arrow" for s in (0, 0, 0, 1, 1, 2, 2)]
    assert table["index"].to_pylist() == [0, 1, 2, 0, 1, 0, 1]
    assert table["reason"].null_count == 7
    assert list(reader.payloads(table)) == [png(i) for i in range(7)]
    assert reader.classes(["ant"]) == NAMES
    assert scanned(open_huggingface(str(tmp_path / "d"), split="test"))["key"].to_pylist() == [
        "img8.png",
        "img9.png",
    ]


def test_a_single_dataset_is_read_and_its_sources_are_its_files(tmp_path):
    dataset(range(3)).save_to_disk(tmp_path / "d")
    reader = open_huggingface(str(tmp_path / "d"))
    (unit,) = reader.units()
    name = "data-00000-of-00001.arrow"
    assert sources_of(reader.scan(unit)) == {name: files.sha256(tmp_path / "d" / name)}
    assert reader.split is None
    with pytest.raises(OptionError, match="no split of .* is called 'test'"):
        open_huggingface(str(tmp_path / "d"), split="test")


def test_rows_selected_before_saving_are_the_rows_read(tmp_path):
    dataset(range(9)).select([7, 1, 4]).save_to_disk(tmp_path / "d")
    reader = open_huggingface(str(tmp_path / "d"))
    assert list(reader.payloads(scanned(reader))) == [png(7), png(1), png(4)]


def test_the_layout_of_the_hub_is_split_by_file_names(tmp_path):
    for name, numbers in [
        ("train-00000-of-00002", [0, 1]),
        ("train-00001-of-00002", [2]),
        ("test-00000-of-00001", [3]),
    ]:
        (tmp_path / "data").mkdir(exist_ok=True)
        dataset(numbers).to_parquet(tmp_path / "data" / f"{name}.parquet")
    assert looks_like(tmp_path)
    train = scanned(open_huggingface(str(tmp_path)))
    assert train["key"].to_pylist() == ["img0.png", "img1.png", "img2.png"]
    assert train["shard"].to_pylist()[-1] == "data/train-00001-of-00002.parquet"
    assert scanned(open_huggingface(str(tmp_path), split="test"))["label"].to_pylist() == ["zebra"]
    with pytest.raises(OptionError, match="no split of .* is called 'tset'") as caught:
        open_huggingface(str(tmp_path), split="tset")
    assert caught.value.hint == "choose: --split test or --split train"


@pytest.mark.parametrize(
    ("names", "split", "expected"),
    [
        (["a.parquet", "b.parquet"], "train", 2),
        (["valid.parquet", "train.parquet"], "validation", 1),
        (["val-0.parquet", "train-0.parquet"], "val", 1),
        (["train/0000.parquet", "test/0000.parquet"], "test", 1),
        (["unsupervised-00000-of-00001.parquet"], None, 1),
        (["train-00000-of-00001-0a1b2c.parquet", ".hidden/train.parquet"], None, 1),
    ],
)
def test_splits_are_found_in_names(tmp_path, names, split, expected):
    for name in names:
        parquet(tmp_path / name, image=images([1]))
    assert len(open_huggingface(str(tmp_path), split=split).files) == expected


def test_one_parquet_file_is_a_dataset(tmp_path):
    parquet(tmp_path / "x.parquet", image=images([1, 2]))
    assert recognise(str(tmp_path / "x.parquet")) == "huggingface"
    assert scanned(open_huggingface(str(tmp_path / "x.parquet")))["label"].null_count == 2


def test_any_rows_in_any_order_are_right_across_files_and_row_groups(tmp_path):
    for file in range(3):
        parquet(tmp_path / f"{file}.parquet", image=images(range(file * 30, file * 30 + 30)), group=11)
    reader = open_huggingface(str(tmp_path))
    table = scanned(reader)
    for order in (np.arange(0, 90, 7), np.random.default_rng(0).permutation(90)):
        assert list(reader.payloads(table.take(order))) == [png(i) for i in order]


def test_a_reader_that_has_read_travels_to_another_process(tmp_path):
    parquet(tmp_path / "x.parquet", image=images([1, 2]))
    reader = open_huggingface(str(tmp_path))
    table = scanned(reader)
    list(reader.payloads(table))
    copy = pickle.loads(pickle.dumps(reader))  # noqa: S301
    assert copy == reader
    assert list(copy.payloads(table)) == [png(1), png(2)]


@pytest.mark.parametrize(
    ("paths", "keys"),
    [
        (["a/1.png", "b/1.png"], ["a/1.png", "b/1.png"]),
        (["1.png", "1.png"], ["00000000", "00000001"]),
        (["1.png", "1.PNG"], ["00000000", "00000001"]),
        (["1.png", None], ["00000000", "00000001"]),
        (["1.png", ""], ["00000000", "00000001"]),
        (["1.png", "/home/2.png"], ["00000000", "00000001"]),
    ],
)
def test_paths_are_keys_only_if_all_of_them_can_be(tmp_path, paths, keys):
    for file, (number, path) in enumerate(zip([1, 2], paths, strict=True)):
        parquet(tmp_path / f"{file}.parquet", image=images([number], [path]))
    assert scanned(open_huggingface(str(tmp_path)))["key"].to_pylist() == keys


def test_a_column_of_keys_goes_before_paths_and_bad_ones_are_rejected(tmp_path):
    keys = pa.array(["k1", None, "../x"])
    parquet(tmp_path / "x.parquet", image=images([1, 2, 3], ["a", "b", "c"]), __key__=keys)
    table = scanned(open_huggingface(str(tmp_path)))
    assert table["key"].to_pylist() == ["k1", "00000001", "../x"]
    assert table["reason"].to_pylist() == [
        None,
        "the key is missing",
        "the key is not a path inside the dataset",
    ]


def test_a_changed_first_file_makes_new_units_of_all(tmp_path):
    parquet(tmp_path / "0.parquet", image=images([1]))
    parquet(tmp_path / "1.parquet", image=images([2]))
    before = [unit.name for unit in open_huggingface(str(tmp_path)).units()]
    parquet(tmp_path / "0.parquet", image=images([1, 3]))
    after = [unit.name for unit in open_huggingface(str(tmp_path)).units()]
    assert before[1] != after[1]


def save(folder: Path, kind: str, rows: list[dict | None]) -> None:
    table = pa.table({"image": pa.array(rows, STRUCT)})
    folder.mkdir()
    if kind == "arrow":
        (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "x.arrow"}]}))
        with pa.ipc.new_stream(folder / "x.arrow", table.schema) as out:
            out.write_table(table)
    else:
        pq.write_table(table, folder / "x.parquet", write_statistics=kind == "parquet")


@pytest.mark.parametrize("kind", ["parquet", "parquet without statistics", "arrow"])
def test_an_image_beside_the_table_that_changes_comes_or_goes_needs_a_new_scan(tmp_path, kind):
    held = {"bytes": png(0), "path": "held.png"}
    pointing = [{"bytes": None, "path": "out.png"}, {"bytes": None, "path": "a\0b"}]
    save(tmp_path / "d", kind, [held, *pointing])
    image, tokens = tmp_path / "d" / "out.png", []

    def look() -> None:
        (unit,) = open_huggingface(str(tmp_path / "d")).units()
        tokens.append(unit.token(tmp_path / "d"))

    look()
    for number in (1, 2):
        image.write_bytes(png(number) * number)
        look()
    image.chmod(0)
    look()
    image.unlink()
    look()
    assert len(set(tokens)) == 4
    assert tokens[-1] == tokens[0]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_paths_beside_bytes_are_not_looked_for(tmp_path, kind):
    save(tmp_path / "d", kind, [{"bytes": png(i), "path": f"{i}.png"} for i in range(3)])
    (unit,) = open_huggingface(str(tmp_path / "d")).units()
    assert list(unit.optional) == []


def test_an_image_on_a_disk_that_fails_ends_the_scan_and_is_not_rejected(tmp_path, monkeypatch):
    (tmp_path / "out.png").write_bytes(png(1))
    parquet(tmp_path / "x.parquet", image=pa.array([{"bytes": None, "path": "out.png"}], STRUCT))

    def fail(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(DataError, match="out.png cannot be read"):
        scanned(open_huggingface(str(tmp_path)))


def test_a_folder_is_read_as_a_whole_and_a_named_file_is_not(tmp_path):
    parquet(tmp_path / "x.parquet", image=images([1]))
    assert open_huggingface(str(tmp_path)).places == (tmp_path,)
    assert open_huggingface(str(tmp_path / "x.parquet")).places == [tmp_path / "x.parquet"]


def test_rows_without_an_image_are_rejected_with_a_reason(tmp_path):
    (tmp_path / "inside.png").write_bytes(png(5))
    (tmp_path.parent / "outside.png").write_bytes(png(6))
    (tmp_path / "link.png").symlink_to(tmp_path.parent / "outside.png")
    (tmp_path / "round.png").symlink_to("round.png")
    paths = ["inside.png", "../outside.png", "link.png", "missing.png", "a\0b", None, "round.png"]
    rows = [{"bytes": None, "path": path} for path in paths]
    parquet(tmp_path / "x.parquet", image=pa.array([*rows, None, {"bytes": b"", "path": None}], STRUCT))
    reader = open_huggingface(str(tmp_path))
    table = scanned(reader)
    reasons = table["reason"].to_pylist()
    assert reasons[0] is None
    assert list(reader.payloads(table.slice(0, 1))) == [png(5)]
    assert reasons[1] == "has no image, only a path outside the dataset: ../outside.png"
    assert reasons[2] == "has no image, only a path outside the dataset: link.png"
    assert reasons[3] == "the image file missing.png is missing"
    assert "cannot be read" in reasons[4]
    assert reasons[5] == reasons[7] == "has no image"
    assert "round.png" in reasons[6]
    assert reasons[8] == "the image is empty (0 bytes)"
    assert table["digest"].null_count == 8


def test_class_labels_out_of_range_are_rejected_and_minus_one_is_no_label(tmp_path):
    known = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["a", "b", "a"]}}
    parquet(
        tmp_path / "x.parquet", known, image=images([1, 2, 3, 4, 5]), label=pa.array([2, -1, 3, None, -2])
    )
    reader = open_huggingface(str(tmp_path))
    table = scanned(reader)
    assert table["label"].to_pylist() == ["a [2]", None, None, None, None]
    assert table["reason"].to_pylist() == [
        None,
        None,
        "label 3 is not one of 3 classes",
        None,
        "label -2 is not one of 3 classes",
    ]
    assert reader.classes(["a [2]"]) == ["a [0]", "b", "a [2]"]


@pytest.mark.parametrize(
    ("labels", "texts", "classes"),
    [
        ([10, 9, -1], ["10", "9", "-1"], ["-1", "9", "10"]),
        (["dog", "cat", ""], ["dog", "cat", None], ["cat", "dog"]),
        ([True, False, None], ["true", "false", None], ["false", "true"]),
        (pa.array(["b", "a", "b"]).dictionary_encode(), ["b", "a", "b"], ["a", "b"]),
    ],
)
def test_plain_labels_are_their_text(tmp_path, labels, texts, classes):
    parquet(tmp_path / "x.parquet", image=images([1, 2, 3]), labels=labels)
    reader = open_huggingface(str(tmp_path))
    found = scanned(reader)["label"].to_pylist()
    assert found == texts
    assert reader.classes([text for text in dict.fromkeys(found) if text is not None]) == classes


def test_the_fine_label_goes_before_the_coarse_and_a_name_chooses(tmp_path):
    names = {"_type": "ClassLabel", "names": ["x", "y"]}
    known = {"img": {"_type": "Image"}, "coarse_label": names, "fine_label": names}
    parquet(tmp_path / "x.parquet", known, img=images([1]), coarse_label=[0], fine_label=[1])
    assert scanned(open_huggingface(str(tmp_path)))["label"].to_pylist() == ["y"]
    assert scanned(open_huggingface(str(tmp_path), label_field="coarse_label"))["label"].to_pylist() == ["x"]


def test_several_class_labels_without_a_usual_name_have_to_be_chosen(tmp_path):
    names = {"_type": "ClassLabel", "names": ["x", "y"]}
    parquet(tmp_path / "x.parquet", {"hue": names, "shape": names}, image=images([1]), hue=[0], shape=[1])
    with pytest.raises(OptionError, match="several columns hold labels: hue, shape"):
        open_huggingface(str(tmp_path))


@pytest.mark.parametrize("name", ["img", "Image", "jpg"])
def test_binary_columns_with_the_name_of_an_image_need_no_metadata(tmp_path, name):
    parquet(
        tmp_path / "x.parquet", **{"blob": pa.array([b"no"]), name: pa.array([png(1)], pa.large_binary())}
    )
    reader = open_huggingface(str(tmp_path))
    assert list(reader.payloads(scanned(reader))) == [png(1)]


def test_several_image_columns_have_to_be_chosen(tmp_path):
    features = Features({"image": ImageFeature(), "mask": ImageFeature(), "n": Value("int64")})
    rows = {"image": [{"bytes": png(1)}], "mask": [{"bytes": png(2)}], "n": [1]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(OptionError, match="several columns hold images: image, mask") as caught:
        open_huggingface(str(tmp_path))
    assert "--image-column" in caught.value.hint
    reader = open_huggingface(str(tmp_path), image_column="mask")
    assert list(reader.payloads(scanned(reader))) == [png(2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_column": "nope"}, "no column of images is called 'nope'"),
        ({"image_column": "score"}, "no column of images is called 'score'"),
        ({"label_field": "nope"}, "no column is called 'nope'"),
        ({"label_field": "box"}, "column box is of type list"),
    ],
)
def test_columns_that_cannot_be_chosen(tmp_path, options, message):
    parquet(tmp_path / "x.parquet", image=images([1]), score=[0.5], box=[[1]])
    with pytest.raises(OptionError, match=message):
        open_huggingface(str(tmp_path), **options)


def test_no_column_of_images(tmp_path):
    parquet(tmp_path / "x.parquet", image=["a path"], label=[1])
    with pytest.raises(DataError, match="no column holds images; there are image, label"):
        open_huggingface(str(tmp_path))


def test_files_with_other_columns_or_types_are_refused(tmp_path):
    parquet(tmp_path / "0.parquet", image=images([1]), label=[1])
    parquet(tmp_path / "1.parquet", image=images([1]), label=["one"])
    with pytest.raises(DataError, match=r"column label of .*1.parquet is string, but int64 in 0.parquet"):
        scanned(open_huggingface(str(tmp_path)))
    parquet(tmp_path / "1.parquet", image=images([1]))
    with pytest.raises(DataError, match=r"column label of .*1.parquet is missing"):
        scanned(open_huggingface(str(tmp_path)))


def test_a_split_in_several_folders_has_to_be_chosen(tmp_path):
    for language in ("en", "fr"):
        parquet(tmp_path / language / "train-00000-of-00001.parquet", image=images([1]))
    with pytest.raises(DataError, match="lie in several folders: en, fr") as caught:
        open_huggingface(str(tmp_path))
    assert caught.value.hint == f"name one of them: {tmp_path / 'en'}"


def test_several_splits_without_train_have_to_be_chosen(tmp_path):
    for name in ("a", "b"):
        parquet(tmp_path / f"{name}-00000-of-00001.parquet", image=images([1]))
    with pytest.raises(OptionError, match="has several splits and none is called train"):
        open_huggingface(str(tmp_path))


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="no .parquet files"):
        open_huggingface(str(tmp_path))


def test_an_old_index_over_rows_is_refused(tmp_path):
    dataset([1, 2]).save_to_disk(tmp_path / "d")
    state = json.loads((tmp_path / "d" / "state.json").read_text())
    (tmp_path / "d" / "state.json").write_text(
        json.dumps(state | {"_indices_data_files": [{"filename": "i.arrow"}]})
    )
    with pytest.raises(DataError, match="saved with an index over its rows"):
        open_huggingface(str(tmp_path / "d"))


@pytest.mark.parametrize(
    "state", ["", "{", "[]", "{}", '{"_data_files": [{"filename": "../x.arrow"}]}', '{"_data_files": [1]}']
)
def test_a_damaged_state_chooses_no_path(tmp_path, state):
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(DataError, match=r"state\.json"):
        open_huggingface(str(tmp_path))


@pytest.mark.parametrize("kept", [0, 8, 0.3, 0.8, -8, -1])
@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_a_file_cut_short_is_refused_by_name(tmp_path, kind, kept):
    dataset(range(50)).save_to_disk(tmp_path / "d")
    parquet(tmp_path / "p" / "x.parquet", image=images(range(50)))
    path = tmp_path / "d" / "data-00000-of-00001.arrow" if kind == "arrow" else tmp_path / "p" / "x.parquet"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(DataError, match=path.name):
        scanned(open_huggingface(str(path.parent)))


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_flipped_bytes_never_end_in_another_error(tmp_path, kind):
    dataset(range(20)).save_to_disk(tmp_path / "d")
    parquet(tmp_path / "p" / "x.parquet", image=images(range(20)), label=list(range(20)))
    path = tmp_path / "d" / "data-00000-of-00001.arrow" if kind == "arrow" else tmp_path / "p" / "x.parquet"
    data, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 20):
            damaged[place] = rng.integers(256)
        path.unlink()
        path.write_bytes(damaged)
        try:
            reader = open_huggingface(str(path.parent))
            table = scanned(reader)
            list(reader.payloads(table.filter(table["reason"].is_null())))
        except (DataError, OptionError):
            refused += 1
    assert refused > 20
