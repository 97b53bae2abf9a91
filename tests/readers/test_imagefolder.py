from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.content import content_digest
from prune.core.errors import DataError, OptionError
from prune.readers import imagefolder
from prune.readers.imagefolder import ImageFolder, looks_like, open_imagefolder
from prune.readers.sample import RAW, sources_of


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def scanned(root: Path, **options) -> pa.Table:
    reader = open_imagefolder(str(root), **options)
    for unit in reader.units():
        unit.token(reader.root)  # every file named can be looked at
    return pa.concat_tables([reader.scan(unit) for unit in reader.units()])


def reasons(table: pa.Table) -> dict[str, str | None]:
    return dict(zip(table["key"].to_pylist(), table["reason"].to_pylist(), strict=True))


def test_a_sample_is_a_file_labelled_by_its_first_folder(tmp_path):
    table = scanned(fill(tmp_path, "cat/a/b/1.png", "dog/2.JPG", "3.webp"))
    assert table.schema.equals(RAW)
    assert sources_of(table) == {}
    assert table.drop_columns(["shard", "offset", "size", "image_offset", "index", "reason"]).to_pylist() == [
        {"key": "3.webp", "image_size": 6, "label": None, "digest": content_digest(b"3.webp")},
        {
            "key": "cat/a/b/1.png",
            "image_size": 13,
            "label": "cat",
            "digest": content_digest(b"cat/a/b/1.png"),
        },
        {"key": "dog/2.JPG", "image_size": 9, "label": "dog", "digest": content_digest(b"dog/2.JPG")},
    ]
    for name in ("shard", "offset", "size", "image_offset", "index", "reason"):
        assert table[name].null_count == 3


def test_the_order_is_that_of_path_components_by_their_bytes(tmp_path):
    names = ["B/1.png", "a/2.png", "a/10.png", "a-b/1.png", "a.png", "é/1.png", "z/1.png"]
    table = scanned(fill(tmp_path, *names))
    expected = sorted(names, key=lambda name: [part.encode() for part in name.split("/")])
    assert table["key"].to_pylist() == expected
    assert expected[1:4] == ["a/10.png", "a/2.png", "a-b/1.png"]


def test_other_files_and_hidden_ones_are_not_samples(tmp_path):
    fill(tmp_path, "a/1.png", "a/notes.txt", "a/.2.png", ".prune/3.png", "a/png", "README")
    assert scanned(tmp_path)["key"].to_pylist() == ["a/1.png"]


def test_units_split_a_dataset_without_changing_it(tmp_path, monkeypatch):
    fill(tmp_path, *(f"{c}/{i}.png" for c in "ab" for i in range(5)))
    whole = scanned(tmp_path)
    monkeypatch.setattr(imagefolder, "UNIT_FILES", 3)
    assert [len(unit.files) for unit in ImageFolder(tmp_path).units()] == [3, 3, 3, 1]
    assert scanned(tmp_path).equals(whole)


def test_what_cannot_be_read_is_rejected_with_a_reason(tmp_path):
    fill(tmp_path, "outside/1.png", "data/a/real.png")
    folder = tmp_path / "data" / "a"
    (folder / "empty.png").touch()
    (folder / "in.png").symlink_to("real.png")
    (folder / "nothing.png").symlink_to("gone.png")
    (folder / "out.png").symlink_to("../../outside/1.png")
    (folder / "round.png").symlink_to("round.png")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe.png")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).write_bytes(b"x")
    table = scanned(tmp_path / "data")
    assert reasons(table) == {
        "a/empty.png": "the file is empty",
        "a/in.png": None,
        "a/nothing.png": "is a link to nothing",
        "a/out.png": None,
        "a/pipe.png": "is a pipe, socket or device, not a file",
        "a/real.png": None,
        "a/round.png": "is a link to nothing",
        "a/\\xff.png": "the name is not UTF-8",
    }
    assert table["digest"][1] == table["digest"][5]


def test_links_to_folders_are_followed_but_not_round_in_a_circle(tmp_path):
    fill(tmp_path, "full/cat/1.png", "full/cat/more/2.png", "data/dog/3.png")
    (tmp_path / "data/cat").symlink_to("../full/cat")
    (tmp_path / "full/cat/more/up").symlink_to("..")
    (tmp_path / "full/cat/self").symlink_to(".")
    reader = open_imagefolder(str(tmp_path / "data"))
    (unit,) = reader.units()
    assert unit.files == ["cat/1.png", "cat/more/2.png", "dog/3.png"]
    assert unit.passed_over == {"link to a folder that it lies in": 2}
    assert list(reader.payloads(reader.scan(unit)))[1] == b"full/cat/more/2.png"


def test_links_to_links_are_not_followed_for_ever(tmp_path):
    fill(tmp_path, "far/0/1.png", "data/a/1.png")
    for level in range(1, 40):
        (tmp_path / f"far/{level}").mkdir()
        for name in "xy":
            (tmp_path / f"far/{level}/{name}").symlink_to(f"../{level - 1}")
    (tmp_path / "data/b").symlink_to("../far/39")
    table = scanned(tmp_path / "data")
    assert table.num_rows < 1000
    assert sum("was read 16 times already" in (reason or "") for reason in reasons(table).values()) > 10


def test_a_class_that_is_a_link_to_nothing_is_not_lost_in_silence(tmp_path):
    fill(tmp_path, "a/1.png", "c/1.png")
    (tmp_path / "b").symlink_to("../gone/b")
    assert reasons(scanned(tmp_path)) == {"a/1.png": None, "b": "is a link to nothing", "c/1.png": None}


def test_a_key_that_is_too_long_is_rejected(tmp_path):
    table = scanned(fill(tmp_path, f"{'d' * 150}/{'f' * 150}.png"))
    assert table["reason"].to_pylist() == ["the key is over 200 bytes"]


def test_a_rejected_file_that_is_mended_needs_a_new_scan(tmp_path):
    fill(tmp_path, "a/1.png")
    (tmp_path / "a" / "2.png").symlink_to("3.txt")
    reader = ImageFolder(tmp_path)
    (before,) = [unit.token(tmp_path) for unit in reader.units()]
    fill(tmp_path, "a/3.txt")
    (after,) = [unit.token(tmp_path) for unit in reader.units()]
    assert before != after


def test_images_are_the_bytes_of_the_files(tmp_path):
    fill(tmp_path, "a/1.png", "b/2.png")
    reader = pickle.loads(pickle.dumps(ImageFolder(tmp_path)))  # noqa: S301
    table = scanned(tmp_path)
    assert list(reader.payloads(table.take([1, 0]))) == [b"b/2.png", b"a/1.png"]
    (tmp_path / "a" / "1.png").unlink()
    with pytest.raises(DataError, match=r"a/1.png cannot be read: no such file"):
        list(reader.payloads(table))


def test_classes_are_in_the_order_of_their_text():
    assert ImageFolder(Path()).classes(["9", "10", "a", "B"]) == ["10", "9", "B", "a"]


def test_a_split_is_a_folder_of_its_own(tmp_path):
    fill(tmp_path, "train/cat/1.png", "test/cat/2.png", "val/cat/3.png")
    table = scanned(tmp_path, split="train")
    assert (table["key"].to_pylist(), table["label"].to_pylist()) == (["cat/1.png"], ["cat"])
    with pytest.raises(DataError, match="holds splits, not classes: test, train, val") as caught:
        open_imagefolder(str(tmp_path))
    assert caught.value.hint.startswith("--split train, or name")
    with pytest.raises(OptionError, match="has no split 'extra'") as wrong:
        open_imagefolder(str(tmp_path), split="extra")
    assert wrong.value.hint == "it has: test, train, val"


def test_a_class_may_be_called_train(tmp_path):
    assert scanned(fill(tmp_path, "train/1.png", "car/1.png"))["label"].to_pylist() == ["car", "train"]


def test_a_folder_without_images_is_an_error(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="there are no images in"):
        open_imagefolder(str(tmp_path))
    with pytest.raises(DataError, match="none is not a folder"):
        open_imagefolder(str(tmp_path / "none"))


def test_looks_for_images_only(tmp_path):
    fill(tmp_path, "x/a/b/1.gif", "y/1.txt")
    assert looks_like(tmp_path / "x")
    assert not looks_like(tmp_path / "y")
    assert not looks_like(tmp_path / "none")
    assert not looks_like(tmp_path / "x/a/b/1.gif")


def refuse(monkeypatch, code: int) -> None:
    """Let the system refuse to open any file."""

    def fail(path: Path, *_: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "open", fail)


def test_a_file_without_permission_is_rejected(tmp_path, monkeypatch):
    fill(tmp_path, "a/1.png")
    refuse(monkeypatch, errno.EACCES)
    assert reasons(scanned(tmp_path)) == {"a/1.png": "the file cannot be read: permission denied"}


def test_permission_that_is_given_later_needs_a_new_scan(tmp_path):
    fill(tmp_path, "a/1.png")
    (tmp_path / "a/1.png").chmod(0)
    (before,) = [unit.token(tmp_path) for unit in ImageFolder(tmp_path).units()]
    (tmp_path / "a/1.png").chmod(0o644)
    (after,) = [unit.token(tmp_path) for unit in ImageFolder(tmp_path).units()]
    assert before != after


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ESTALE])
def test_a_disk_that_fails_ends_the_scan_and_rejects_nothing(tmp_path, monkeypatch, code):
    fill(tmp_path, "a/1.png")
    refuse(monkeypatch, code)
    with pytest.raises(DataError, match=f"1.png cannot be read: {os.strerror(code).lower()}"):
        scanned(tmp_path)


def test_the_place_of_a_split_is_its_folder(tmp_path):
    assert open_imagefolder(str(fill(tmp_path, "test/a/1.png")), split="test").places == (tmp_path / "test",)
