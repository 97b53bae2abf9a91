from __future__ import annotations

import hashlib
import io
import itertools
import json
import pickle
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prune.core.content import content_digest
from prune.core.errors import DataError, OptionError
from prune.readers.sample import RAW, sources_of
from prune.readers.tar.samples import split_name
from prune.readers.webdataset import WebDataset, looks_like, open_webdataset


def write_tar(path: Path, entries: list[tuple[str, bytes | str]], kind: int = tarfile.USTAR_FORMAT) -> Path:
    """Text stands for a symbolic link to that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=kind) as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def scanned(path: Path, **options) -> pa.Table:
    reader = open_webdataset(str(path), **options)
    return pa.concat_tables([reader.scan(unit).replace_schema_metadata(None) for unit in reader.units()])


def sample_of(tmp_path: Path, *entries: tuple[str, bytes | str], **options) -> dict:
    (row,) = scanned(write_tar(tmp_path / "one.tar", list(entries)), **options).to_pylist()
    return row


def test_a_sample_has_its_ranges_label_and_digest(tmp_path):
    entries = [("a/1.jpg", b"image" * 200), ("a/1.cls", b"7\n"), ("a/2.png", b"two"), ("a/2.cls", b" cat ")]
    path = write_tar(tmp_path / "s-0.tar", entries)
    reader = open_webdataset(str(tmp_path))
    (unit,) = reader.units()
    table = reader.scan(unit)
    assert table.schema.equals(RAW)
    assert sources_of(table) == {"s-0.tar": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert table.to_pylist() == [
        {
            "key": "a/1",
            "shard": "s-0.tar",
            "offset": 0,
            "size": 512 + 1024 + 512 + 512,
            "image_offset": 512,
            "image_size": 1000,
            "index": None,
            "label": "7",
            "digest": content_digest(b"image" * 200),
            "reason": None,
        },
        {
            "key": "a/2",
            "shard": "s-0.tar",
            "offset": 2560,
            "size": 4 * 512,
            "image_offset": 3072,
            "image_size": 3,
            "index": None,
            "label": "cat",
            "digest": content_digest(b"two"),
            "reason": None,
        },
    ]


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_range_of_a_sample_is_a_tar_of_its_members(tmp_path, kind):
    long = "folder/" * 13 + "k" * (60 if kind == tarfile.USTAR_FORMAT else 200)
    entries = [(f"{long}{i}.{ext}", f"{i}{ext}".encode()) for i in range(3) for ext in ("jpg", "txt")]
    path = write_tar(tmp_path / "a.tar", entries, kind)
    for i, row in enumerate(scanned(path).to_pylist()):
        piece = path.read_bytes()[row["offset"] : row["offset"] + row["size"]] + bytes(1024)
        with tarfile.open(fileobj=io.BytesIO(piece)) as tar:
            assert [(m.name, tar.extractfile(m).read()) for m in tar] == entries[2 * i : 2 * i + 2]


def test_images_are_the_bytes_of_the_source_in_any_order(tmp_path):
    for shard in range(3):
        write_tar(tmp_path / f"{shard}.tar", [(f"{shard}{i}.png", f"{shard}-{i}".encode()) for i in range(4)])
    reader = pickle.loads(pickle.dumps(open_webdataset(str(tmp_path))))  # noqa: S301
    table = scanned(tmp_path)
    order = [7, 0, 11, 1, 1]
    assert list(reader.payloads(table.take(order))) == [f"{i // 4}-{i % 4}".encode() for i in order]
    (tmp_path / "2.tar").write_bytes(b"")
    with pytest.raises(DataError, match=r"2.tar ends before byte"):
        list(reader.payloads(table.take([11])))
    (tmp_path / "2.tar").unlink()
    with pytest.raises(DataError, match=r"2.tar cannot be read: no such file"):
        list(reader.payloads(table.take([11])))


ODD = ["a", "A", ".", "..", "/", "__", "b", "jpg", ".jpg", "./", "é", " "]
odd_names = (
    st.lists(st.sampled_from(ODD), min_size=1, max_size=6).map("".join).filter(lambda n: n.strip("/ "))
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(odd_names, min_size=1, max_size=8, unique=True))
def test_groups_as_the_webdataset_library_does(tmp_path, names):
    from webdataset.tariterators import group_by_keys, tar_file_expander

    path = write_tar(tmp_path / "odd.tar", [(name, name.encode()) for name in names])
    theirs, failed = [], None
    with path.open("rb") as stream:
        try:
            theirs.extend(group_by_keys(tar_file_expander([{"url": "odd.tar", "stream": stream}])))
        except ValueError as error:
            failed = error
    ours = scanned(path).to_pylist() if any(split_name(name) for name in names) else []
    if failed is not None:
        assert "duplicate" in str(failed)
        assert any("two members" in (row["reason"] or "") for row in ours)
        return
    assert [row["key"] for row in ours] == [sample["__key__"] for sample in theirs]
    for row, sample in zip(ours, theirs, strict=True):
        held = [name for name in sample if name not in {"__key__", "__url__", "__local_path__"}]
        with_images = [name for name in held if name.rpartition(".")[2] == "jpg"]
        assert (row["image_offset"] is None) == (not with_images)
        if with_images:
            best = "jpg" if "jpg" in held else with_images[0]
            start = row["image_offset"]
            assert path.read_bytes()[start : start + row["image_size"]] == sample[best]


def test_members_that_are_no_part_of_a_sample_are_passed_over(tmp_path):
    entries = [("README", b"r"), ("__meta__", b"m"), ("__x__/a.jpg", b"x"), (".h.jpg", b"h"), ("a.jpg", b"a")]
    assert sample_of(tmp_path, *entries)["key"] == "a"


def test_a_shard_with_files_but_no_sample_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no.tar holds 2 files but no sample"):
        scanned(write_tar(tmp_path / "no.tar", [("img1", b"x"), ("img2", b"y")]))
    assert scanned(write_tar(tmp_path / "meta.tar", [("__meta__", b"x")])).num_rows == 0
    assert scanned(write_tar(tmp_path / "empty.tar", [])).num_rows == 0


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([("a.seg", b"t"), ("a.cls", b"1")], r"has no image (members: seg, cls)"),
        ([("a.jpg", b"1"), ("a.JPG", b"2")], "it has two members .jpg"),
        ([("a.jpg", b"1"), ("a.cls", "b.cls")], "its .cls is a link or device, not a file"),
        ([("a.jpg", "b.jpg"), ("a.cls", b"1")], "its .jpg is a link or device, not a file"),
        ([("a.jpg", b"")], "the image is empty"),
        (
            [("a.jpg", b"1"), ("a.__key__", b"1")],
            "it has a member .__key__, a name that webdataset keeps for itself",
        ),
        ([("../a.jpg", b"1")], "the key is not a path inside the dataset"),
        ([("k" * 201 + ".jpg", b"1")], "the key is over 200 bytes"),
        ([("a.jpg", b"1"), ("a.cls", b"nan")], "label 'nan' is not usable"),
        ([("a.jpg", b"1"), ("a.cls", b" \n")], "label '' is not usable"),
        ([("a.jpg", b"1"), ("a.cls", b"\xff\xd8")], "its .cls is not text, so it is no label"),
        ([("a.jpg", b"1"), ("a.cls", b"c" * 65)], f"label '{'c' * 32}…' is not usable"),
        ([("a.jpg", b"1"), ("a.cls", b"c" * 65537)], "its .cls is over 65536 bytes, too large for a label"),
        ([("a.jpg", b"1"), ("a.json", b"{")], "its .json is not JSON"),
        ([("a.jpg", b"1"), ("a.json", b"[" * 100_000)], "its .json is not JSON"),
        ([("a.jpg", b"1"), ("a.json", b'{"label": 0.5}')], "label '0.5' is not usable"),
        ([("a.jpg", b"1"), ("a.json", b'{"label": NaN}')], "label 'nan' is not usable"),
        (
            [("a.jpg", b"1"), ("a.json", b'{"label": [1]}')],
            "label is a list, neither text nor a whole number",
        ),
    ],
)
def test_a_sample_that_cannot_be_used_says_why(tmp_path, entries, reason):
    path = tmp_path / "one.tar"
    write_tar(path, entries, tarfile.GNU_FORMAT)
    (row,) = scanned(path).to_pylist()
    assert row["reason"] == reason


def test_members_that_are_not_adjacent_reject_every_part(tmp_path):
    rows = scanned(
        write_tar(tmp_path / "a.tar", [("k.jpg", b"1"), ("l.jpg", b"2"), ("k.cls", b"3"), ("m.jpg", b"4")])
    ).to_pylist()
    reason = "its members are not adjacent (they begin again after l)"
    assert [(row["key"], row["reason"]) for row in rows] == [
        ("k", reason),
        ("l", None),
        ("k", reason),
        ("m", None),
    ]


def test_a_name_that_is_not_utf8_is_rejected_and_printable(tmp_path):
    row = sample_of(tmp_path, ("a\udcff.jpg", b"1"))
    assert (row["key"], row["reason"]) == ("a\\xff", "the key is not UTF-8")


def test_the_plain_image_goes_before_its_relatives(tmp_path):
    for entries in itertools.permutations([("a.depth.png", b"d"), ("a.jpg", b"image"), ("a.seg.png", b"s")]):
        assert sample_of(tmp_path, *entries)["digest"] == content_digest(b"image")


@pytest.mark.parametrize("names", [["a.x.png", "a.y.png"], ["a.jpg", "a.png"], ["a.z.png", "a.jpg", "a.png"]])
def test_several_images_are_one_sample_only_by_choice(tmp_path, names):
    entries = [(name, name.encode()) for name in names]
    assert sample_of(tmp_path, *entries)["reason"].startswith("holds several images: ")
    for name in names:
        row = sample_of(tmp_path, *entries, image_column=name.removeprefix("a."))
        assert (row["digest"], row["reason"]) == (content_digest(name.encode()), None)
    row = sample_of(tmp_path, *entries, image_column="depth.png")
    assert row["reason"].startswith("has no image .depth.png (members: ")


@pytest.mark.parametrize(
    ("entries", "field", "label"),
    [
        ([], None, None),
        ([("a.cls", b"\xef\xbb\xbf3")], None, "3"),
        ([("a.cls", b"3"), ("a.json", b'{"label": 4}')], None, "3"),
        ([("a.json", b'{"cls": 5, "label": 4}')], None, "4"),
        ([("a.json", b'{"label": null, "class_id": 2.0}')], None, "2"),
        ([("a.json", b'{"other": 1}')], None, None),
        ([("a.json", b'"text"')], None, None),
        ([("a.cls", b"3"), ("a.Caption.TXT", b"a dog")], "caption.txt", "a dog"),
        ([("a.json", b'{"category": {"name": "cat"}}')], "json.category.name", "cat"),
        ([("a.json", b'{"category": "cat"}')], "category", "cat"),
        ([("a.meta.json", b'{"category": true}')], "meta.json.category", "true"),
        ([("a.json", b"12")], "json", "12"),
        ([("a.cls", b"3")], "category", None),
    ],
)
def test_the_label_comes_from_the_named_place(tmp_path, entries, field, label):
    row = sample_of(tmp_path, ("a.jpg", b"1"), *entries, label_field=field)
    assert (row["label"], row["reason"]) == (label, None)


def test_whole_numbers_are_classes_in_their_order():
    reader = WebDataset(Path(), ("a.tar",))
    assert reader.classes(["10", "2", "0"]) == ["0", "2", "10"]
    assert reader.classes(["10", "2", "b"]) == ["10", "2", "b"]


def test_a_label_field_that_no_sample_has_is_an_error():
    with pytest.raises(DataError, match="no sample has the label field 'categry'"):
        WebDataset(Path(), ("a.tar",), "categry").classes([])


def test_class_names_beside_the_shards_name_the_numbers(tmp_path):
    entries = [(f"{i}.{ext}", data) for i in range(4) for ext, data in (("jpg", b"x"), ("cls", b"02"))]
    entries[1], entries[3], entries[5] = ("0.cls", b"1"), ("1.cls", b"cat"), ("2.cls", b"9")
    write_tar(tmp_path / "train" / "0.tar", entries)
    (tmp_path / "classnames.txt").write_text("cat\ndog\nfish\n\n")
    reader = open_webdataset(str(tmp_path))
    table = reader.scan(next(reader.units()))
    assert table["label"].to_pylist() == ["dog", "cat", None, "fish"]
    assert table["reason"].to_pylist()[2] == "label '9' is not in classnames.txt"
    assert reader.classes(["fish", "dog"]) == ["cat", "dog", "fish"]
    before = [unit.token(tmp_path) for unit in reader.units()]
    (tmp_path / "classnames.txt").write_text("cat\ncat\n")
    assert [unit.token(tmp_path) for unit in reader.units()] != before
    assert reader.classes(["1", "0"]) == ["0", "1"]
    (tmp_path / "classnames.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"classnames.txt is not UTF-8 text"):
        reader.classes(["1"])


def test_a_damaged_shard_is_named_with_the_byte(tmp_path):
    path = write_tar(tmp_path / "a.tar", [("a.jpg", b"x" * 600), ("b.jpg", b"y")])
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"a.tar is truncated or damaged after byte 1536 of 2000"):
        scanned(path)


def test_shards_are_found_by_folder_file_glob_and_braces(tmp_path):
    for name in ("b-1.tar", "b-0.tar", "sub/a.tar", "é.tar", ".hidden.tar", ".h/x.tar"):
        write_tar(tmp_path / name, [(name.removesuffix(".tar") + ".jpg", b"x")])
    (tmp_path / "b-2.txt").touch()

    def shards(data: str) -> tuple[str, ...]:
        reader = open_webdataset(data)
        assert all((reader.root / shard).is_file() for shard in reader.shards)
        return tuple(reader.shards)

    assert shards(str(tmp_path)) == ("b-0.tar", "b-1.tar", "sub/a.tar", "é.tar")
    assert shards(f"{tmp_path}/b-0.tar") == ("b-0.tar",)
    assert shards(f"{tmp_path}/b-*") == ("b-0.tar", "b-1.tar")
    assert shards(f"{tmp_path}/b-{{1..0}}.tar") == ("b-1.tar", "b-0.tar")
    assert shards(f"{tmp_path}/{{sub/a,b-[01]}}.tar") == ("sub/a.tar", "b-0.tar", "b-1.tar")
    assert scanned(tmp_path)["key"].to_pylist() == ["b-0", "b-1", "sub/a", "é"]
    assert scanned(tmp_path).equals(scanned(tmp_path))


@pytest.mark.parametrize(
    ("pattern", "error", "match"),
    [
        ("none-*.tar", DataError, r"no .tar shards in"),
        ("{0..2}.tar", DataError, r"2 of 3 shards are missing, the first is .*1.tar"),
        ("9.tar", DataError, r"9.tar is missing"),
        ("{0,0}.tar", OptionError, r"names .*0.tar twice"),
        ("{0.tar", OptionError, "unbalanced"),
        ("{0..9999999999}.tar", OptionError, "over 1000000 shards"),
        ("empty", DataError, "there are no .tar shards in"),
    ],
)
def test_a_pattern_that_names_no_dataset_says_why(tmp_path, pattern, error, match):
    write_tar(tmp_path / "0.tar", [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=match):
        open_webdataset(f"{tmp_path}/{pattern}")


@pytest.mark.parametrize(
    "data",
    [
        "pipe:cat secret",
        "s3://me:secret@b/x.tar?t=secret",
        "HTTP://secret/{0..1}.tar",
        "{http://secret/a,b}.tar",
    ],
)
def test_a_url_is_refused_without_repeating_it(data):
    with pytest.raises(OptionError, match="reads local files only") as caught:
        open_webdataset(data)
    assert "secret" not in str(caught.value) + caught.value.hint
    assert looks_like(Path(data))


def test_a_split_is_a_word_in_the_path(tmp_path):
    for name in ("cifar-train-0.tar", "cifar-train-1.tar", "test/0.tar"):
        write_tar(tmp_path / name, [])
    assert open_webdataset(str(tmp_path), split="train").shards == ("cifar-train-0.tar", "cifar-train-1.tar")
    assert open_webdataset(str(tmp_path), split="test").shards == ("test/0.tar",)
    with pytest.raises(DataError, match="several splits: test, train") as caught:
        open_webdataset(str(tmp_path))
    assert caught.value.hint == "choose one: --split train"
    with pytest.raises(OptionError, match="no shard has the split 'val'"):
        open_webdataset(str(tmp_path), split="val")


def test_looks_for_tars_only(tmp_path):
    write_tar(tmp_path / "a" / "b" / "0.tar", [])
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "x.jpg").touch()
    assert looks_like(tmp_path)
    assert looks_like(tmp_path / "a" / "b" / "0.tar")
    assert looks_like(tmp_path / "{0..1}.tar")
    assert not looks_like(tmp_path / "c")
    assert not looks_like(tmp_path / "none.tar")


def test_options_make_the_reader_again(tmp_path):
    write_tar(tmp_path / "0.tar", [])
    reader = open_webdataset(str(tmp_path), label_field="txt")
    assert open_webdataset(str(tmp_path), **json.loads(json.dumps(reader.options))) == reader


def test_a_shard_that_is_added_leaves_the_others_as_they_were_known(tmp_path):
    write_tar(tmp_path / "0.tar", [("a.jpg", b"a")])
    before = open_webdataset(str(tmp_path))
    (known,) = [unit.token(tmp_path) for unit in before.units()]
    write_tar(tmp_path / "1.tar", [("b.jpg", b"b")])
    after = open_webdataset(str(tmp_path))
    assert next(after.units()).token(tmp_path) == known
    assert after.options == before.options


def test_a_folder_is_read_as_a_whole_and_named_shards_are_not(tmp_path):
    paths = [write_tar(tmp_path / name, []) for name in ("0.tar", "1.tar", "2.tar")]
    assert open_webdataset(str(tmp_path)).places == (tmp_path,)
    assert open_webdataset(str(paths[1])).places == [paths[1]]
    assert open_webdataset(f"{tmp_path}/{{0,2}}.tar").places == [paths[0], paths[2]]
