"""Columns of the dataset: codes and values, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prune.core.column_name import ColumnName
from prune.core.errors import OptionError
from prune.store import Store
from prune.store import field_column as module
from prune.store.field_column import FieldColumn, put_values


def column(
    folder: Path, values: Sequence[Any], part_rows: int = 256, *, untyped: bool = False
) -> FieldColumn:
    store = Store(folder)
    recipe = {"column": "field", "field": "x", "values": repr(values), "untyped": untyped}
    writer = store.write_column(ColumnName.field("x"), recipe, rows=len(values), part_rows=part_rows)
    for part in writer.missing():
        put_values(writer, part, values[part.start : part.stop], untyped=untyped)
    return FieldColumn(writer.finish())


def read(found: FieldColumn) -> list[Any]:
    return [value for _, block in found.blocks() for value in block.to_pylist()]


def test_values_come_back_by_row(tmp_path: Path) -> None:
    found = column(tmp_path, ["b", None, "a", "b"])
    assert (found.kind, read(found)) == ("text", ["b", None, "a", "b"])
    codes, values = found.coded(10)
    assert (codes.tolist(), values) == ([0, -1, 1, 0], ["b", "a"])


def test_a_column_is_of_the_narrowest_kind_that_holds_the_values_of_all_parts(tmp_path: Path) -> None:
    rows = [None] * 768
    rows[0], rows[300], rows[600] = 1, 2.5, None
    assert column(tmp_path / "a", rows).kind == "float"
    rows[600] = "many"
    found = column(tmp_path / "b", rows)
    assert found.kind == "text"
    assert [value for value in read(found) if value is not None] == ["1", "2.5", "many"]
    assert column(tmp_path / "c", [None, None]).kind == "none"


def test_equal_numbers_of_two_kinds_in_one_part_are_told_apart_only_by_their_kind(tmp_path: Path) -> None:
    assert read(column(tmp_path / "a", [1, 1.0, 2])) == [1.0, 1.0, 2.0]
    assert read(column(tmp_path / "b", [1, True])) == ["1", "true"]


@pytest.mark.parametrize(
    ("words", "kind", "values"),
    [
        (["1", "-2", ""], "int", [1, -2, None]),
        (["1.5", "2", "1e3"], "float", [1.5, 2.0, 1000.0]),
        (["007", "7"], "text", ["007", "7"]),
        (["1", "1.0"], "text", ["1", "1.0"]),
        (["1_000", "2"], "text", ["1_000", "2"]),
        (["nan", "1"], "text", ["nan", "1"]),
        (["", ""], "none", [None, None]),
    ],
)
def test_words_of_a_table_of_text_are_numbers_where_nothing_is_lost(
    tmp_path: Path, words: list[str], kind: str, values: list[Any]
) -> None:
    found = column(tmp_path, words, untyped=True)
    assert (found.kind, read(found)) == (kind, values)


def test_words_that_look_like_decimals_stay_words_where_another_part_has_some(tmp_path: Path) -> None:
    rows = [""] * 512
    rows[0], rows[1], rows[300], rows[301] = "1.10", "1.2", "beta", "1.10"
    found = column(tmp_path / "a", rows, untyped=True)
    assert [value for value in read(found) if value is not None] == ["1.10", "1.2", "beta", "1.10"]
    assert found.coded(9)[1] == ["1.10", "1.2", "beta"]
    rows[300] = "1.3"
    assert column(tmp_path / "b", rows, untyped=True).coded(9)[1] == [1.1, 1.2, 1.3]


def test_what_is_no_plain_value_is_text_or_nothing(tmp_path: Path) -> None:
    found = column(tmp_path, [{"a": 1}, [1, "x"], b"\xff", float("nan"), 2**70, "\ud800"])
    assert read(found) == ['{"a": 1}', '[1, "x"]', "ff", None, str(2**70), "\\ud800"]


def test_too_many_values_are_said(tmp_path: Path) -> None:
    found = column(tmp_path, list(range(50)))
    with pytest.raises(OptionError, match="'x' has over 49 different values"):
        found.coded(49)
    assert len(found.coded(50)[1]) == 50


def test_a_column_of_long_texts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    assert column(tmp_path / "a", ["x" * 90] * 9).kind == "text"  # a value is held once
    with pytest.raises(OptionError, match="holds over 0 MB of text"):
        column(tmp_path / "b", ["x" * 90, "y" * 90])


@given(st.text(max_size=80))
def test_any_name_of_a_field_names_one_folder(name: str) -> None:
    found = ColumnName.field(name)
    assert found.kind == "field"
    assert found.of == found.rest != ""
    assert "/" not in found
    assert len(found) < 80
    assert found == f"field.{name}" or found.rest.startswith("~")


def test_names_that_differ_have_columns_that_differ() -> None:
    names = ["a", "A", "a.b", "a/b", "../a", "~a", "", "a b", "é", "x" * 99, "x" * 98]
    assert len({ColumnName.field(name) for name in names}) == len(names)
