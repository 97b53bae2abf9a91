"""Conditions in SQL: what they say of values, and that nothing but a condition passes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.errors import OptionError
from prune.steps.columns.expression import LONGEST, Condition

VALUES = {
    "width": pa.array([100, 300, None]),
    "lang": pa.array(["en", "en", "de"]),
    "meta.site": pa.array(["a", None, "b"]),
    'it\'s "one"': pa.array([1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width >= 256 and lang = 'en'", [False, True, False]),
        ("width >= 256", [False, True, None]),
        ("not (width > 200)", [True, False, None]),
        ("meta.site = 'a' or width > 200", [True, True, None]),
        ("width is null", [False, False, True]),
        ("meta.site in ('a', 'c')", [True, None, False]),
        ("width between 100 and 200 or lang like 'd%'", [True, False, True]),
        ("case when lang = 'en' then width else 0 end > 100", [False, True, False]),
        ("upper(lang) = 'EN' and length(lang) = 2", [True, True, False]),
        ("try_cast(lang as integer) is null", [True, True, True]),
        ("width::double / 2 = 50", [True, False, None]),
        ('"it\'s ""one""" > 1', [False, True, True]),
        ("width > 1 -- and what follows is a comment", [True, True, None]),
        ("lang ~ '^e'", [True, True, False]),
    ],
)
def test_a_condition_is_true_false_or_unknown(text: str, expected: list[bool | None]) -> None:
    condition = Condition(text)
    found = condition.holds({name: VALUES[name] for name in condition.columns})
    assert found.to_pylist() == expected
    assert condition.holds({name: VALUES[name] for name in condition.columns}).to_pylist() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "width >",
        "width > 1; drop table samples",
        "width > 1; select 1",
        "width > 1) union all select 1 from samples where (true",
        "width > 1) order by (1",
        "width > 1) group by (width",
        "exists(select 1 from read_text('FILE'))",
        "width in (select 1)",
        "(select content from read_text('FILE')) = 'x'",
        "lang = (from read_csv('FILE') select 1)",
        "read_text('FILE') = 'x'",
        "getenv('HOME') = 'x'",
        "current_setting('threads') = '1'",
        "pg_read_file('FILE') = 'x'",
        "random() > 0.5",
        "now() > null",
        "uuid() = lang",
        "width > current_database()",
        "sum(width) over () > 1",
        "count(*) > 1",
        "width = ?",
        "width = $1",
        "*",
        "columns('w.*') > 3",
        "list_transform([1], x -> x) = [1]",
        "lang::samples = 'x'",
        "lang::enum('a') = 'a'",
        "lang::other.kind = 'a'",
        "lang::timestamptz > null",
        "width",
        "lang > 3",
        "lang || 'x'",
        "lang::int > 3",
        "true",
        "'\0' = lang",
        "'\udcff' = lang",
        "(" * 1900 + "true" + ")" * 1900,
        "not " * 900 + "width",
        "x" * (LONGEST + 1),
    ],
)
def test_what_is_no_condition_is_two_lines(text: str, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("secret")
    with pytest.raises(OptionError) as caught:
        condition = Condition(text.replace("FILE", str(file)))
        condition.holds({name: VALUES.get(name, VALUES["lang"]) for name in condition.columns})
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_an_error_names_columns_as_they_were_typed() -> None:
    with pytest.raises(OptionError, match="lang"):
        Condition("lang + 1 > 2").holds(VALUES)


def test_deep_conditions_are_read_or_refused() -> None:
    text = "width > 0" + " and width > 0" * 250
    assert Condition(text).holds(VALUES).to_pylist() == [True, True, None]
