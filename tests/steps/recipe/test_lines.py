"""The line of each key and table of a TOML text, whatever stands around it."""

from __future__ import annotations

import tomllib
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from prune.steps.recipe.lines import KeyPath, lines_of

TEXT = """\
# a = 1
store = "x" # [no] = table
"quoted key" = '''
[not.a.table]
fraction = 1
'''

[data] # = [x]
path = "a # b"
'single = quoted' = ["[", "]", # a comment with ] and "
  "three = 3",
]
a.b.c = 1
a . "d e" = { x = [1, 2], "y]" = "}" }

[[select]]
name = \"\"\"one\\\"\"\" [still]
\"\"\"\"
[select.set]
metric = "cosine"

  [[ select ]]
fraction = 0.3
[select."set"]
metric = 'x'
"""
LINES: dict[KeyPath, int] = {
    ("store",): 2,
    ("quoted key",): 3,
    ("data",): 8,
    ("data", "path"): 9,
    ("data", "single = quoted"): 10,
    ("data", "a"): 13,
    ("data", "a", "b"): 13,
    ("data", "a", "b", "c"): 13,
    ("data", "a", "d e"): 14,
    ("select",): 16,
    ("select", 0): 16,
    ("select", 0, "name"): 17,
    ("select", 0, "set"): 19,
    ("select", 0, "set", "metric"): 20,
    ("select", 1): 22,
    ("select", 1, "fraction"): 23,
    ("select", 1, "set"): 24,
    ("select", 1, "set", "metric"): 25,
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_keys_stand_where_they_are_written(end: str) -> None:
    tomllib.loads(TEXT)
    assert lines_of(TEXT.replace("\n", end)) == LINES


def test_a_text_without_keys_has_no_lines() -> None:
    assert lines_of("") == {}
    assert lines_of("\n# a = 1\n\n") == {}


def test_a_last_line_needs_no_end() -> None:
    assert lines_of("\n[check]\nprobe = true") == {("check",): 2, ("check", "probe"): 3}


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@hypothesis.given(st.lists(st.tuples(words, words), max_size=8, unique_by=lambda pair: pair[0]), st.data())
def test_every_key_that_is_read_has_the_line_that_it_was_written_in(
    pairs: list[tuple[str, str]], data: Any
) -> None:
    rows, expected = ["[table]"], {("table",): 1}
    for key, value in pairs:
        rows += ["# [x] = 1"] * data.draw(st.integers(0, 2))
        quoted = [f'"{text.translate(_ESCAPES)}"' for text in (key, value)]
        rows.append(f"{quoted[0]} = {quoted[1]}")
        expected["table", key] = len(rows)
    text = "\n".join(rows)
    assert tomllib.loads(text) == {"table": dict(pairs)}
    assert lines_of(text) == expected


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})
