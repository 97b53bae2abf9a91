"""Addresses are listed as folders, globs and braces are here; what is gone goes; names are kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import DataError, OptionError
from prune.core.object_names import address, as_addresses
from prune.core.redaction import without_secrets
from prune.readers.braces import expanded
from prune.system import contents
from prune.system.object_stores import mirror, retries
from prune.system.object_stores.listing import is_unfinished, mirrored


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fill(outside: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        outside.pipe_file(f"{bucket}/{key}", key.encode())


def test_a_folder_is_seen_as_it_is_now(bucket: str, outside: Any) -> None:
    fill(outside, bucket, "a/0.tar", "a/b/1.tar", "other/2.tar")
    folder = mirrored(f"{bucket}/a/")
    assert names(folder) == ["0.tar", "b/1.tar"]
    assert (folder / "b/1.tar").stat().st_size == len("a/b/1.tar")
    outside.rm_file(f"{bucket}/a/0.tar")
    fill(outside, bucket, "a/3.tar")
    assert names(mirrored(f"{bucket}/a")) == ["3.tar", "b/1.tar"]


def test_a_pattern_lists_the_folder_before_its_first_sign(bucket: str, outside: Any, faults: Any) -> None:
    fill(outside, bucket, "a/x-0.tar", "a/x-1.tar", "b/y.tar")
    found = mirrored(f"{bucket}/a/x-{{0..1}}.tar")
    assert found.name == "x-{0..1}.tar"
    assert names(found.parent) == ["x-0.tar", "x-1.tar"]
    assert faults.count("GET", "prefix=a%2F") + faults.count("GET", "prefix=a/") >= 1
    assert not (found.parent.parent / "b").exists()


def test_an_object_that_changed_has_other_evidence_and_one_that_stayed_the_same(
    bucket: str, outside: Any
) -> None:
    fill(outside, bucket, "a/x", "a/y")
    folder = mirrored(f"{bucket}/a")
    before = [mirror.known(folder / name) for name in "xy"]
    outside.pipe_file(f"{bucket}/a/x", b"a/X")  # of the same size
    after = [mirror.known(mirrored(f"{bucket}/a") / name) for name in "xy"]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_what_describes_a_dataset_is_fetched_with_its_listing(bucket: str, outside: Any) -> None:
    fill(outside, bucket, "a/classnames.txt", "a/.prune-export/export.json", "a/x.json")
    folder = mirrored(f"{bucket}/a")
    assert (folder / "classnames.txt").read_text() == "a/classnames.txt"
    assert (folder / ".prune-export/export.json").read_text() == "a/.prune-export/export.json"
    assert (folder / "x.json").read_bytes() == bytes(len("a/x.json"))


def test_a_file_that_became_a_folder_and_back(bucket: str, outside: Any) -> None:
    fill(outside, bucket, "a")
    assert mirrored(f"{bucket}/a").is_file()
    outside.rm_file(f"{bucket}/a")
    fill(outside, bucket, "a/x")
    assert names(mirrored(f"{bucket}/a")) == ["x"]
    outside.rm_file(f"{bucket}/a/x")
    fill(outside, bucket, "a")
    assert mirrored(f"{bucket}/a").is_file()


def test_names_that_no_files_could_have_are_said(bucket: str, outside: Any) -> None:
    fill(outside, bucket, "a/b", "a/b/c")
    with pytest.raises(DataError, match="side by side|also a folder's"):
        mirrored(f"{bucket}/a/")
    fill(outside, bucket, f"long/{'x' * 300}")
    with pytest.raises(DataError, match="cannot be that of a file"):
        mirrored(f"{bucket}/long/")


def test_nothing_is_there(bucket: str) -> None:
    assert not mirrored(f"{bucket}/none").exists()
    assert not mirrored("s3://no-such-bucket-at-all/none").exists()


def test_a_listing_is_tried_again(bucket: str, outside: Any, faults: Any) -> None:
    fill(outside, bucket, "a/0.tar")
    faults.on("GET list-type", "busy", "refuse", "drop")
    assert names(mirrored(f"{bucket}/a/")) == ["0.tar"]
    assert faults.waiting == []


def test_only_the_policy_tries_again(bucket: str, faults: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries.POLICY, "tries", 3)
    faults.on("GET list-type", *["busy"] * 9)
    with pytest.raises(DataError):
        mirrored(f"{bucket}/a/")
    assert faults.count("GET", "list-type") == 3


def test_secrets_in_an_address_are_refused_and_not_repeated(faults: Any) -> None:
    for text in ("s3://me:hunter2@b/x", "https://h/x.tar?sig=hunter2"):
        with pytest.raises(OptionError) as caught:
            mirrored(text)
        assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert faults.asked == []


def test_a_question_mark_is_no_secret_and_no_pattern(faults: Any) -> None:
    with pytest.raises(OptionError, match=r"a \? stands behind s3://b/x-, ") as caught:
        mirrored("s3://b/x-?.tar")
    assert "write * or [0-9]" in caught.value.hint
    assert faults.asked == []


def test_no_secret_is_kept(bucket: str, outside: Any, tmp_path: Path) -> None:
    fill(outside, bucket, "a/0.tar")
    mirrored(f"{bucket}/a")
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hunter2" in path.read_bytes() or "hunter2" in str(path) for path in kept)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://b/x", "s3://b/x"),
        ("s3:/b/x", "s3://b/x"),  # as a path has it
        ("S3://b/x", "s3://b/x"),
        ("hf://datasets/u/n", "hf://datasets/u/n"),
        ("http://h:80/x", "http://h:80/x"),
        ("ftp://h/x", None),
        ("./s3://b/x", None),
        ("/s3/x", None),
        ("s3:x", None),
    ],
)
def test_what_is_an_address(text: str, expected: str | None, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert address(text) == expected
    if expected:
        assert address(Path(text)) == expected
        (tmp_path / Path(text)).mkdir(parents=True)
        assert address(Path(text)) is None  # a folder of that name, odd as it is


def test_a_name_on_this_machine_is_shown_as_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNE_CACHE", "/c")
    path = mirror.path_of("s3://b/x/y.tar")
    assert str(path) == "/c/prune-objects/names/s3/b/x/y.tar"
    assert as_addresses(f"'{path}' is gone, {path}: too") == "'s3://b/x/y.tar' is gone, s3://b/x/y.tar: too"
    assert without_secrets(f"{path} and /c/x") == "s3://b/x/y.tar and /c/x"


@pytest.mark.parametrize(
    "leads", ["../../../../../mine", "a/../../b", "./a", "a//b", "{a,../../../../../mine}/x"]
)
def test_an_address_that_leads_out_of_the_cache_is_refused_and_removes_nothing(
    bucket: str, outside: Any, faults: Any, tmp_path: Path, leads: str
) -> None:
    fill(outside, bucket, "a/x")
    mirrored(f"{bucket}/")  # so that `..` leads somewhere
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/x").write_text("mine")
    faults.asked.clear()
    place = f"{bucket}/{leads}"
    with pytest.raises(DataError, match="cannot be that of a file"):
        mirrored(place, expanded(place))
    assert faults.asked == []
    assert (tmp_path / "mine/x").read_text() == "mine"


def test_a_pattern_of_buckets_is_refused(faults: Any) -> None:
    with pytest.raises(OptionError, match="names no bucket"):
        mirrored("s3://buck*/a")


def test_objects_are_found_from_a_cache_whose_name_has_a_space(
    bucket: str, outside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNE_CACHE", str(tmp_path / "my = cache"))
    fill(outside, bucket, "a/x")
    assert contents.whole(mirrored(f"{bucket}/a") / "x") == b"a/x"


def test_what_another_command_is_about_to_note_is_left_to_it(bucket: str, outside: Any) -> None:
    fill(outside, bucket, "a/x")
    folder = mirrored(f"{bucket}/a")
    with mirror._replacing(folder / "y") as beside:
        beside.write_bytes(b"")
        mirrored(f"{bucket}/a")
    assert names(folder) == ["x", "y"]
    assert names(mirrored(f"{bucket}/a")) == ["x"]


def test_a_pattern_in_an_export_that_is_being_sent_is_unfinished(bucket: str, outside: Any) -> None:
    fill(outside, bucket, "out/0.tar", "out/.prune-export/upload.json", "other/0.tar")
    assert is_unfinished(mirrored(f"{bucket}/out/*.tar"))
    assert is_unfinished(mirrored(f"{bucket}/out"))
    assert not is_unfinished(mirrored(f"{bucket}/other/*.tar"))
