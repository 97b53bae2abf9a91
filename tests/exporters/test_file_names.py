"""Names that every file system and every reader takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prune.exporters.file_names import file_names, folder_names, safe_name, shard_keys
from prune.exporters.staging.existing_export import checked_path


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("cat/1.png", "cat/1"),
        ("cat/1.v2.JPEG", "cat/1_v2"),
        ("a.b/c.d", "a.b/c_d"),
        (".hidden.png", "_hidden"),
        ("__meta__/x.png", "_meta__/x"),
        ("a//b/./../c.png", "a/b/c"),
        (".png", "_png"),
        ("00000123", "00000123"),
        ("a/\v", "_"),
    ],
)
def test_a_shard_key_has_no_suffix_and_no_dot_in_its_last_part(key, expected):
    assert shard_keys([key]) == [expected]


def test_a_later_key_that_becomes_equal_gets_its_row():
    assert shard_keys(["a.b", "a_b", "A.B.png", "x"]) == ["a_b", "a_b_1", "A_B_2", "x"]
    assert shard_keys(["a.b", "a_b_2", "a_b"]) == ["a_b", "a_b_2", "a_b_2_2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n01440764 tench, Tinca tinca", "n01440764 tench, Tinca tinca"),
        ("a/b\\c", "a_b_c"),
        ("..", "_"),
        ("", "_"),
        (".ssh", "_ssh"),
        ("\x1b[31mred\u202e", "_[31mred_"),
        ("CON", "_CON"),
        ("cafe\u0301", "caf\u00e9"),
    ],
)
def test_a_class_becomes_one_folder(text, expected):
    assert safe_name(text) == expected


def test_rows_of_the_dataset_tell_equal_names_apart():
    assert shard_keys(["a.b", "a_b"], [3, 70]) == ["a_b", "a_b_70"]
    assert file_names(["a.b", "A.b"], ["cat", "cat"], [3, 70]) == ["cat/a.b", "cat/A.b_70"]


def test_classes_that_differ_only_by_case_have_two_folders():
    assert folder_names(["Cat", "cat", "a/b", "a_b"]) == ["Cat", "cat_1", "a_b", "a_b_3"]


def test_a_file_lies_in_its_class_and_an_unlabelled_one_at_the_top():
    assert file_names(["x/1.png", "y/1.png", "y/1.png"], ["cat", "cat", ""]) == ["cat/1", "cat/1_1", "1"]


@given(st.lists(st.text(max_size=80).filter(lambda key: "\0" not in key), max_size=8))
def test_any_key_gives_a_name_of_its_own_inside_the_folder(keys):
    keys = [key.encode(errors="ignore").decode() for key in keys]
    for names in (shard_keys(keys), file_names(keys, ["cat"] * len(keys)), folder_names(keys)):
        assert len({name.casefold() for name in names}) == len(keys)
        for name in names:
            checked_path(name)
    for name in shard_keys(keys):
        assert "." not in name.rpartition("/")[2]
        assert name.strip()
